"""What crosses a border between services, and what of it is believed."""

import logging

import pytest
from opentelemetry import baggage, context

from bc_events import Actor, EventClient, events
from bc_events.propagation import BROKER, HTTP, Border, Inbound, extract, inject

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Test", "Schema": {"type": "object"}}],
}


@pytest.fixture
def client():
    with EventClient(None, "PolicyService", TOPICS) as client:
        yield client


def test_the_live_job_goes_out_with_its_baggage(client):
    carrier = {}
    with events.session("job-1", client=client):
        inject(carrier)
    assert carrier == {"x-britecore-job-id": "job-1", "baggage": "bc-job-id=job-1"}


def test_nothing_goes_out_where_no_session_is_live():
    carrier = {}
    inject(carrier)
    assert carrier == {}


def test_the_job_in_baggage_goes_out_where_no_session_is_live():
    carrier = {}
    token = context.attach(baggage.set_baggage("bc-job-id", "job-2"))
    try:
        inject(carrier)
    finally:
        context.detach(token)
    assert carrier["x-britecore-job-id"] == "job-2"


def test_a_user_crosses_to_a_broker_and_not_to_http(client):
    message, request = {}, {}
    with events.user_context("cognito-user-1", client=client):
        inject(message, BROKER)
        inject(request, HTTP)
    assert extract(message, BROKER).actor == Actor("cognito-user-1", "user")
    assert not [name for name in request if "actor" in name]


def test_a_service_is_not_carried_on_because_the_receiver_acts_as_itself(client):
    message = {}
    with events.service_context(client=client):
        inject(message, BROKER)
    assert extract(message, BROKER).actor is None


def test_an_actor_that_no_header_can_hold_stays_behind_with_a_warning(client, caplog):
    message = {}
    with events.user_context("bénédicte", client=client):
        inject(message, BROKER)
    assert "x-britecore-actor-id" not in message
    assert "bénédicte" not in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    "name", ["x-britecore-job-id", "X-BriteCore-Job-Id", "X-BRITECORE-JOB-ID"], ids=["lower", "mixed", "upper"]
)
@pytest.mark.parametrize("value", ["job-3", b"job-3"], ids=["text", "bytes"])
def test_the_job_header_is_read_in_any_case_as_text_or_bytes(name, value):
    assert extract({name: value}) == Inbound("job-3", None)


def test_the_job_header_wins_over_baggage_and_baggage_is_next():
    both = {"x-britecore-job-id": "job-4", "baggage": "bc-job-id=job-5"}
    assert extract(both).job_id == "job-4"
    assert extract({"baggage": "bc-job-id=job-5"}).job_id == "job-5"
    assert extract({}).job_id is None


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "é", "x" * 256])
def test_a_job_that_could_not_travel_is_ignored_with_a_warning_and_baggage_steps_in(value, caplog):
    inbound = extract({"x-britecore-job-id": value, "baggage": "bc-job-id=job-6"})
    assert inbound.job_id == "job-6"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_actor_in_an_http_header_is_not_believed():
    assert extract({"x-britecore-actor-id": "cognito-user-1", "x-britecore-actor-type": "user"}).actor is None


@pytest.mark.parametrize(
    ("actor_id", "actor_type"),
    [("abc", "user"), ("cognito-user-1", "wizard"), ("x" * 256, "user"), ("line\nbreak", "user"), (" padded ", "user")],
    ids=["short", "type", "long", "control", "padded"],
)
def test_an_actor_that_cannot_be_one_is_ignored_with_a_warning(actor_id, actor_type, caplog):
    message = {"x-britecore-actor-id": actor_id, "x-britecore-actor-type": actor_type}
    assert extract(message, BROKER).actor is None
    assert len(caplog.records) == 1
    assert actor_id not in caplog.text


def test_names_are_one_border_s_to_choose(client):
    border = Border(job_id="JobId", actor_id="ActorId", actor_type="ActorType")
    message = {}
    with events.user_context("cognito-user-1", "job-7", client=client):
        inject(message, border)
    assert {name: message[name] for name in ("JobId", "ActorId", "ActorType")} == {
        "JobId": "job-7",
        "ActorId": "cognito-user-1",
        "ActorType": "user",
    }
    assert extract(message, border) == Inbound("job-7", Actor("cognito-user-1", "user"))


def test_a_job_without_a_name_neither_goes_out_nor_comes_in(client):
    border = Border(job_id=None)
    carrier = {}
    with events.session("job-8", client=client):
        inject(carrier, border)
    assert "x-britecore-job-id" not in carrier
    assert extract({"x-britecore-job-id": "job-9"}, border).job_id is None


def test_a_carrier_of_another_shape_has_a_getter_and_a_setter(client):
    class Attributes:
        def set(self, carrier, key, value):
            carrier[key] = {"DataType": "String", "StringValue": value}

        def get(self, carrier, key):
            return [carrier[key]["StringValue"]] if key in carrier else None

        def keys(self, carrier):
            return list(carrier)

    message = {}
    with events.user_context("cognito-user-1", "job-10", client=client):
        inject(message, BROKER, setter=Attributes())
    assert message["x-britecore-job-id"] == {"DataType": "String", "StringValue": "job-10"}
    assert extract(message, BROKER, getter=Attributes()) == Inbound("job-10", Actor("cognito-user-1", "user"))
