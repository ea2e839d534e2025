"""Rules 24 to 27 at the ambient API: a bad event fails at its line. What data may be is tested with the core."""

import asyncio
import copy
import datetime as dt
import decimal
import enum
import json
import uuid

import pytest

from bc_events import InvalidEventError, NoActiveSessionError, UnknownTopicError, events

from .matrix import over
from .models import ALL, IN_PROCESS
from .recording import say


class Colour(enum.Enum):
    RED = "red"


@over(IN_PROCESS)
def test_rule_24_publishing_does_no_io(model, client, recording):
    recording.on_send = lambda: reached.append("sent")
    reached = []

    def body():
        say(1)
        reached.append("published")

    model(events.session(), body, recording)
    assert reached == ["published", "sent"]


def test_rule_24_publishing_never_touches_the_event_loop(client, recording):
    async def main():
        loop = asyncio.get_running_loop()
        async with events.session():
            before = len(loop._ready), len(loop._scheduled)
            say(1)
            return before == (len(loop._ready), len(loop._scheduled))

    assert asyncio.run(main())


@over(ALL)
def test_rule_25_a_bad_event_fails_at_its_line_and_harms_no_other(model, client, recording):
    def body():
        say(1)
        with pytest.raises(InvalidEventError) as raised:
            events.made_note({"n": "a word"})
        say(2)
        return [violation.path for violation in raised.value.violations]

    assert model(events.session(), body, recording) == ["/n"]
    assert recording.numbers == [1, 2]


@over(ALL)
def test_rule_25_data_is_frozen_at_the_call(model, client, recording):
    def body():
        data = {"n": 1, "parts": [1]}
        events.made_note(data)
        data["n"] = 2
        data["parts"].append(2)

    model(events.session(), body, recording)
    assert [event.data for event in recording.events] == [{"n": 1, "parts": [1]}]


@over(ALL)
def test_rule_25_the_call_returns_the_event(model, client, recording):
    def body():
        event = say(1)
        return str(event), event.job_id, event.data

    assert model(events.session("job-1"), body, recording) == ("testing.NoteMade", "job-1", {"n": 1})


def test_rule_25_both_word_orders_and_the_verbose_call_mean_the_same(client, recording):
    with events.session():
        events.made_note({"n": 1})
        events.note_made({"n": 1})
        events.publish(action="Made", entity="Note", data={"n": 1})
    first, *others = [event.envelope for event in recording.events]
    assert others == [first, first]


def test_rule_25_rich_values_serialise(client, recording):
    with events.session():
        events.made_note(
            {
                "at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
                "on": dt.date(2026, 1, 2),
                "id": uuid.UUID(int=1),
                "amount": decimal.Decimal("10.10"),
                "colour": Colour.RED,
            }
        )
    envelope = recording.events[0].envelope
    assert b'"amount":10.10' in envelope
    assert json.loads(envelope)["data"]["colour"] == "red"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), decimal.Decimal("NaN"), "\ud800", "\0", 2**64, {1: 2}])
def test_rule_25_what_json_would_change_is_refused(value, client, recording):
    with events.session(), pytest.raises(InvalidEventError):
        events.made_note({"x": value})
    assert recording.events == []


@over(IN_PROCESS)
def test_rule_25_outside_a_session_there_is_nowhere_to_publish(model, client, recording):
    model(events.session(), lambda: None, recording)
    with pytest.raises(NoActiveSessionError):
        say(1)


def test_rule_25_a_name_that_fits_no_topic_is_an_attribute_error_that_names_the_closest(client):
    with events.session(), pytest.raises(AttributeError, match="did you mean note_made") as raised:
        events.note_maid({"n": 1})
    assert isinstance(raised.value, UnknownTopicError)


def test_rule_26_formats_are_asserted(client):
    with events.session(), pytest.raises(InvalidEventError):
        events.made_note({"id": "not a uuid"})


def test_rule_27_neither_errors_nor_logs_show_payload_values(client, recording, caplog):
    secret = "PERSONAL-DATA"
    with pytest.raises(InvalidEventError) as raised, events.session():
        events.made_note({"n": 1, "note": secret})
        events.made_note({"n": secret, "id": secret})
    assert secret not in str(raised.value)
    assert secret not in repr(raised.value)
    assert all(secret not in str(copy.copy(record.__dict__)) for record in caplog.records if not record.exc_info)
