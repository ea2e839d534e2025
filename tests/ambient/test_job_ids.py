"""Rules 19 and 20: where a job id comes from, where it goes, and which ids are valid."""

import logging
import uuid

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry import baggage, context

from bc_events import InvalidJobIdError, events

from .matrix import over
from .models import ALL, INHERITING, JOINING
from .recording import Recording, recording_client, say

UNSOUND = ["", "a" * 256, "two words", "tab\t", "line\r\nx-injected: 1", "\x7f", "ü", "\x00", 3, b"bytes", object()]
every_unsound = pytest.mark.parametrize("job_id", UNSOUND, ids=lambda job_id: repr(job_id)[:12])


@pytest.fixture
def in_baggage():
    """Puts a job id into the current OpenTelemetry baggage, as a propagator does."""
    put = []

    def set_baggage(value, key="bc-job-id"):
        put.append(context.get_current())
        context.attach(baggage.set_baggage(key, value))

    yield set_baggage
    context.attach(put[0])


@over(ALL)
def test_rule_19_an_explicit_job_id_comes_first(model, client, recording):
    with events.session("outer"):
        model(events.session("inner"), lambda: say(1), recording)
    assert recording.jobs == ["inner"]


@over(JOINING)
def test_rule_19_then_the_live_sessions(model, client, recording):
    with events.session("outer"):
        assert model(events.session(), events.current_job_id, recording) == "outer"


@over(INHERITING)
def test_rule_19_then_that_of_baggage(model, client, recording, in_baggage):
    in_baggage("from-baggage")
    model(events.session(), lambda: say(1), recording)
    assert recording.jobs == ["from-baggage"]


@over(ALL)
def test_rule_19_then_a_generated_one(model, client, recording):
    model(events.session(), lambda: say(1), recording)
    assert uuid.UUID(recording.jobs[0]).version == 7


@over(INHERITING)
def test_rule_19_a_live_job_is_in_baggage_and_leaving_restores_that_key_alone(model, client, recording):
    def body():
        within = baggage.get_baggage("bc-job-id")
        return within, baggage.get_baggage("users-own")

    context.attach(baggage.set_baggage("users-own", "kept"))
    try:
        with events.session("outer"):
            assert model(events.session("inner"), body, recording) == ("inner", "kept")
            assert baggage.get_all() == {"users-own": "kept", "bc-job-id": "outer"}
        assert baggage.get_all() == {"users-own": "kept"}
    finally:
        context.attach(context.Context())


def test_rule_19_what_is_put_into_baggage_meanwhile_stays(client):
    with events.session("outer"):
        context.attach(baggage.set_baggage("users-own", "kept"))
    assert baggage.get_all() == {"users-own": "kept"}
    context.attach(context.Context())


def test_rule_19_what_was_in_baggage_before_comes_back(client, in_baggage):
    in_baggage("before")
    with events.session("inner"):
        assert baggage.get_baggage("bc-job-id") == "inner"
    assert baggage.get_baggage("bc-job-id") == "before"


@over(JOINING)
def test_rule_19_the_key_is_configurable(model, recording):
    other = recording_client(recording, baggage_key="our-job")
    with events.session("outer", client=other):
        assert model(events.session("inner"), lambda: dict(baggage.get_all()), recording) == {"our-job": "inner"}


@over(JOINING)
def test_rule_19_writing_baggage_can_be_switched_off(model, recording):
    other = recording_client(recording, write_baggage=False)
    with events.session("outer", client=other):
        assert model(events.session("inner"), lambda: dict(baggage.get_all()), recording) == {}


def test_rule_19_where_writing_is_off_baggage_is_read_all_the_same(recording, in_baggage):
    in_baggage("from-baggage")
    with events.session(client=recording_client(recording, write_baggage=False)):
        assert events.current_job_id() == "from-baggage"


@every_unsound
def test_rule_20_an_unsound_job_id_is_refused_where_it_is_passed(job_id, client):
    for scope_of in (events.session, events.service_context, events.third_party_context):
        with pytest.raises(InvalidJobIdError) as raised:
            scope_of(job_id)
        assert isinstance(raised.value, ValueError)
    with pytest.raises(InvalidJobIdError):
        events.user_context("a-user-id", job_id)


@every_unsound
def test_rule_20_an_unsound_job_id_is_refused_where_a_callable_returns_it(job_id, client, recording):
    with pytest.raises(InvalidJobIdError):
        events.session(lambda: job_id)(lambda: say(1))()
    assert events.current_job_id() is None


@every_unsound
def test_rule_20_an_unsound_job_id_in_baggage_is_replaced_with_a_warning(job_id, client, recording, in_baggage, caplog):
    in_baggage(job_id)
    with events.session():
        say(1)
    assert uuid.UUID(recording.jobs[0]).version == 7
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.bc_source == "OpenTelemetry baggage bc-job-id"


@settings(max_examples=60)
@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_rule_20_every_sound_job_id_is_kept_as_it_is(job_id):
    recording = Recording()
    with events.session(job_id, client=recording_client(recording)):
        say(1)
    assert recording.jobs == [job_id]
