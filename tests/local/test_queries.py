"""The filter language: what it finds is what a plain model of it finds, and its errors say where and what to do."""

import json
import re
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from bc_events.event import Actor
from bc_events.local.event_store import EventStore
from bc_events.local.query import QueryError, read_query, term
from bc_events.local.selection import Selection

from .events import START, received

ALPHABET = "abAÜü保:*\\\"' -%_[]?.😀ß"
TEXT = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=5)
WORDS = st.sampled_from(["job", "Job-1", "straße", "STRASSE", "保険 x", "100%", 'say "hi"', "a\\b", "-5", "1.10"])
VALUES = WORDS | TEXT
SCALARS = VALUES | st.sampled_from([1, 300, -5, 0.5, True, False, None])
DATA = st.dictionaries(
    st.sampled_from(["a", "b c", "Ü"]),
    SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["a", "0"]), SCALARS, max_size=2),
    min_size=1,
    max_size=3,
)
EVENTS = st.lists(
    st.builds(
        lambda number, entity, job, actor, status, data, ascii_only, key: received(
            number,
            entity=entity,
            job_id=job,
            actor=Actor(actor.rjust(5, "x"), "user"),
            status=status,
            raw=json.dumps(data, ensure_ascii=ascii_only).encode(),
            idempotency_key=key,
        ),
        st.integers(0, 9),
        st.sampled_from(["Policy", "Quote"]),
        VALUES | st.text(st.sampled_from(f"{ALPHABET}\0"), min_size=1, max_size=5),
        VALUES,
        st.sampled_from(["accepted", "accepted", "refused"]),
        DATA,
        st.booleans(),
        st.none() | VALUES,
    ),
    max_size=8,
)
AS_SENT = json.JSONDecoder(parse_int=str, parse_float=str).decode
FIELDS = {
    "topic": lambda event: event.topic,
    "job": lambda event: event.job_id,
    "actor": lambda event: event.actor.id,
    "entity": lambda event: event.entity,
    "status": lambda event: event.status,
    "key": lambda event: event.idempotency_key,
}
PARTS = st.lists(st.just("") | VALUES | st.sampled_from(["policies.PolicyCreated", "Quote", "refused"]), min_size=1)
TERMS = st.tuples(
    st.booleans(),
    st.one_of(
        st.tuples(st.sampled_from(sorted(FIELDS)), PARTS),
        st.tuples(st.sampled_from(["data.a", 'data."b c"', "data.Ü.a", "data.a.0"]), PARTS),
        st.tuples(st.sampled_from(["", "text"]), st.tuples(VALUES)),
        st.tuples(st.sampled_from(["since", "until"]), st.integers(0, 10)),
    ),
)


def written(term):
    is_negated, (field, value) = term
    text = value
    if isinstance(value, int):
        text = (START + timedelta(seconds=value)).isoformat()
    else:
        text = '"' + "*".join(re.sub(r'(["\\*])', r"\\\1", part) for part in value) + '"'
    return ("-" if is_negated else "") + (f"{field}:" if field else "") + text


def holds(term, event):
    """The meaning of a term, without SQL."""
    is_negated, (field, value) = term
    return is_negated != _positive(field, value, event)


def _positive(field, value, event):
    if field == "since":
        return event.received >= START + timedelta(seconds=value)
    if field == "until":
        return event.received < START + timedelta(seconds=value)
    if field in ("", "text"):
        return any(value[0].casefold() in text.casefold() for text in texts(event))
    if field.startswith("data."):
        return any(matches(value, found) for found in found_at(AS_SENT(event.raw.decode()), field))
    found = FIELDS[field](event)
    return found is not None and matches(value, found)


def texts(event):
    yield from (event.topic, event.job_id, event.actor.id, event.raw.decode())
    if b"\\" in event.raw:
        yield from (part for one in json.loads(event.raw).items() for part in strings(one))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from strings(one)
    elif isinstance(value, dict):
        yield from strings(list(value.items()))


def found_at(data, field):
    key, *rest = field.removeprefix("data.").replace('"', "").split(".")
    found = [data[key]] if key in data else []
    for step in rest:
        found = [one for value in found for one in stepped(value, step)]
    return [one for value in found for one in ([value, *value] if isinstance(value, list) else [value])]


def stepped(value, step):
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if isinstance(value, list) and step == "0":
        return value[:1]
    return []


def matches(parts, found):
    if isinstance(found, (dict, list)):
        return len(parts) > 1 and not any(parts)
    text = found if isinstance(found, str) else json.dumps(found)
    return like(list(parts), text)


def like(parts, text):
    """Whether the text is the parts with anything between them."""
    if len(parts) == 1:
        return text == parts[0]
    if not text.startswith(parts[0]):
        return False
    return any(like(parts[1:], text[at:]) for at in range(len(parts[0]), len(text) + 1))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=EVENTS, terms=st.lists(TERMS, max_size=3), after=st.integers(0, 4))
@example([received(raw=b'{"a":"x\\u00dcy"}')], [(False, ("", ["xÜy"]))], 0)
@example([received(job_id="a\0b", raw=b'{"a":"xyz"}')], [(False, ("", ["xyz"]))], 0)
@example([received(raw=b'{"a":1.10}')], [(False, ("data.a", ["1.10"]))], 0)
def test_a_filter_finds_what_its_words_say(events, terms, after):
    """On random events and filters, SQL and its indexes find what a plain Python model of the language finds."""
    q = " ".join(map(written, terms))
    has_status = any(field == "status" for _, (field, _) in terms)
    wanted = [
        seq
        for seq, event in enumerate(events, 1)
        if (has_status or event.status == "accepted") and all(holds(one, event) for one in terms)
    ]
    with closing(EventStore()) as store:
        store.add(events)
        assert [event.seq for event in store.events(q, after=after)] == [seq for seq in wanted if seq > after]
        assert [event.seq for event in store.latest(q, 2)] == wanted[::-1][:2]
        early = [seq for seq in wanted if seq <= after]
        assert [event.seq for event in store.latest(q, before=after + 1)] == early[::-1]
        assert store.count(q) == len(wanted)
        assert store.count(q, 1) == min(1, len(wanted))
        everything = [seq for seq, event in enumerate(events, 1) if all(holds(one, event) for one in terms)]
        assert store.delete(q) == len(everything)
        left = set(range(1, len(events) + 1)) - set(everything)
        assert [event.seq for event in store.latest("status:*")] == sorted(left, reverse=True)


def test_numbers_are_compared_by_the_digits_that_were_sent():
    with closing(EventStore()) as store:
        store.add([received(data='{"a": 1.10, "b": 12345678901234567890123, "c": [1, {"d": "x"}]}')])
        for q, count in {
            "data.a:1.10": 1,
            "data.a:1.1": 0,
            "data.b:12345678901234567890123": 1,
            "data.c.1.d:x": 1,
            "data.c.d:x": 1,
            "data.c:1": 1,
            "data.c:*": 1,
            "data.e:*": 0,
        }.items():
            assert (q, store.count(q)) == (q, count)


def test_any_value_is_found_by_the_term_that_is_written_for_it():
    job = "a'b\"c\\d%26&<job>:* -e"
    with closing(EventStore()) as store:
        store.add([received(job_id=job), received(job_id=f"{job}f")])
        assert store.count(term("job", job)) == 1


def test_times_count_back_from_now():
    query = read_query("since:5m until:30s", now=START)
    moments = [START - timedelta(minutes=5), START - timedelta(seconds=30)]
    assert query.parameters == tuple(int(moment.timestamp()) * 1_000_000 for moment in moments)


@pytest.mark.parametrize(
    ("q", "error"),
    [
        ("colour:red", 'position 1 of the filter: there is no field colour; use topic:, job:.*in|itself, "colour:red"'),
        ("a -colour:red", "position 3 of the filter: there is no field colour"),
        ("topic.x:red", r"position 1 of the filter: there is no field topic\.x"),
        ("it's", "position 3 of the filter: the quote ' is not closed"),
        ('a "b', 'position 3 of the filter: the quote " is not closed'),
        ('"a""b"', 'position 4 of the filter: the quote " is not closed, or not at the start'),
        ("a topic:", 'position 9 of the filter: the field topic: has no value; write it .* as topic:value.*"topic:"'),
        ("topic: x", "position 7 of the filter: the field topic: has no value"),
        (
            "-",
            "position 2 of the filter: the text behind the minus is missing; write it, or put a text",
        ),
        ("--x", "position 2 of the filter"),
        ("12:30", 'position 3 of the filter: : cannot stand here; .* quote a text: "12:30"'),
        (
            "since:noon",
            "position 1 of the filter: since:noon is no time; write how long ago it was .*5m.*",
        ),
        ("x since:0001-01-01T00:00", "position 3 of the filter: since:0001-01-01T00:00 is no time"),
        ("ab\0c", "position 3 of the filter: NUL cannot be looked for"),
        ("a\ud800", "position 2 of the filter: half of a surrogate pair"),
    ],
)
def test_an_error_names_the_position_and_the_remedy(q, error):
    with pytest.raises(QueryError, match=error):
        read_query(q)


PLANS = [
    ("topic:a job:b", "events_by_job_and_topic (job_id=? AND topic=? AND status=? AND rowid<?)"),
    ("job:b", "events_by_job (job_id=? AND status=? AND rowid<?)"),
    ("topic:a", "events_by_topic (topic=? AND status=? AND rowid<?)"),
    ("actor:a", "events_by_actor (actor_id=? AND status=? AND rowid<?)"),
    ("id:a", "events_by_id (event_id=? AND rowid<?)"),
    ("status:refused", "events_not_accepted (status=? AND rowid<?)"),
    ("policy", "VIRTUAL TABLE INDEX"),
    ("topic:a policy", "VIRTUAL TABLE INDEX"),
    ("data.name:smith", "VIRTUAL TABLE INDEX"),
    ("job:b policy", "events_by_job (job_id=? AND status=? AND rowid<?)"),
]


@pytest.mark.parametrize(("q", "index"), PLANS)
def test_a_page_is_found_by_an_index_and_needs_no_sorting(q, index):
    with closing(EventStore()) as store:
        store.add([received()])
        statement, parameters = Selection.of(q, before=9).columns("e.seq", 50)
        plan = [row[3] for row in store.rows((f"EXPLAIN QUERY PLAN {statement}", parameters))]
        assert any(index in step for step in plan), plan
        assert not any("TEMP B-TREE" in step for step in plan), plan


@pytest.mark.parametrize("bounds", [{"before": 9}, {"after": 3}])
def test_a_page_of_everything_begins_at_its_key(bounds):
    with closing(EventStore()) as store:
        statement, parameters = Selection.of("", **bounds).columns("e.seq", 50)
        plan = [row[3] for row in store.rows((f"EXPLAIN QUERY PLAN {statement}", parameters))]
        assert "OFFSET" not in statement
        assert plan[0].startswith("SEARCH e USING INTEGER PRIMARY KEY (rowid")
