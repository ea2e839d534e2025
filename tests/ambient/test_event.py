"""Rules 24 to 27 at the ambient API: a bad event fails at its line. Valid and invalid data are tested with the core."""

import asyncio
import contextvars
import datetime as dt
import decimal
import enum
import gc
import json
import uuid

import pytest

from bc_events import EventClient, InvalidEventError, NoActiveSessionError, UnknownTopicError, events

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


FORMATS = {
    "uuid": (str(uuid.UUID(int=1)), "1"),
    "uri": ("https://example.com/1", "not a uri"),
    "date-time": ("2026-01-02T03:04:05Z", "2026-01-02"),
    "date": ("2026-01-02", "2026-02-30"),
    "email": ("ann@example.com", "ann"),
    "policy-number": ("P-1", None),  # nobody knows it
}


@pytest.fixture
def format_client(recording):
    """Its events have a property for each format, of that name."""
    properties = {name: {"type": "string", "format": name} for name in FORMATS}
    topic = {"Action": "Made", "Entity": "Note", "Schema": {"type": "object", "properties": properties}}
    with EventClient(
        None, "PolicyService", {"DefaultCategory": "testing", "Topics": [topic]}, delivery=recording
    ) as client:
        yield client


@pytest.mark.parametrize(("name", "good", "bad"), [(name, *values) for name, values in FORMATS.items()])
def test_rule_26_formats_are_asserted_and_unknown_ones_ignored(name, good, bad, format_client, recording):
    with events.session(client=format_client):
        events.made_note({name: good})
        if bad is not None:
            with pytest.raises(InvalidEventError) as raised:
                events.made_note({name: bad})
            assert [(violation.path, violation.rule) for violation in raised.value.violations] == [
                (f"/{name}", "format")
            ]
    assert [event.data for event in recording.events] == [{name: good}]


SECRET = "PERSONAL-DATA"


def published():
    return events.made_note({"n": 1, "note": SECRET})


def refused():
    with events.session():
        published()
        events.made_note({"n": SECRET, "id": SECRET})


def refused_as_unknown():
    with events.session():
        events.note_maid({"note": SECRET})


def refused_as_no_json():
    with events.session():
        events.made_note({"note": SECRET, "x": object(), "y": float("nan")})


def failed():
    with events.session():
        published()
        raise ZeroDivisionError


def failed_async():
    async def main():
        async with events.session():
            published()
            raise SystemExit

    asyncio.run(main())


def undelivered():
    with events.session() as session:
        session.client.delivery.is_down = True
        published()


def undelivered_while_cancelled():
    async def main():
        async with events.session() as session:
            session.client.delivery.is_down = True
            published()
            asyncio.current_task().cancel()

    asyncio.run(main())


def orphaned():
    outer, inner = events.session(), events.session()
    outer.__enter__()
    inner.__enter__()
    published()
    outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)


def never_left():
    contextvars.copy_context().run(lambda: [events.session().__enter__(), published()])
    gc.collect()
    raise LookupError


def shown():
    with events.session() as session:
        raise LookupError(f"{session!r} {session.client!r} {published()!r} {session.events!r}")


def published_too_late():
    with events.session() as session:
        pass
    session.made_note({"note": SECRET})


def published_outside():
    published()


@pytest.mark.parametrize(
    "fail",
    [
        refused,
        refused_as_unknown,
        refused_as_no_json,
        failed,
        failed_async,
        undelivered,
        undelivered_while_cancelled,
        orphaned,
        never_left,
        shown,
        published_too_late,
        published_outside,
    ],
    ids=lambda fail: fail.__name__,
)
def test_rule_27_neither_errors_nor_logs_show_payload_values(fail, client, caplog):
    with pytest.raises(BaseException) as raised:
        fail()
    error = raised.value
    while error is not None:
        assert SECRET not in str(error) + repr(error)
        error = error.__cause__ or error.__context__
    for record in caplog.records:
        fields = {name: value for name, value in vars(record).items() if name not in ("exc_info", "exc_text")}
        assert SECRET not in str(fields)
        assert record.exc_info is None or SECRET not in str(record.exc_info[1])
