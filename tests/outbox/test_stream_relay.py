"""The relay of a stream, against a real Events API over HTTP: requests, keys, order, positions, and what is dead."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
from tenacity import wait_fixed

from bc_events import ConfigurationError, OutboxError
from bc_events.local import LocalEventsAPI
from bc_events.outbox import RelaySettings, StreamRelay
from tests.outbox.relays import until
from tests.outbox.service import client_of, numbers, row
from tests.outbox.streams import Topic, number_of, stream_relay

PARTICULAR = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Thing", "Schema": {"properties": {"number": {"maximum": 98}}}}],
}
"""The API refuses the number 99."""


@pytest.fixture
def topic():
    return Topic()


def test_the_events_of_a_transaction_are_one_request_with_the_publisher_s_key(api, topic):
    topic.commit(1, 2, 3)
    with stream_relay(api) as relay:
        assert relay.handle(topic.records) == {"events-0": 3}
    (request,) = api.requests()
    assert (request.job_id, request.records) == ("job-1", 3)
    assert request.idempotency_key.replace("-", "") == dict(topic.records[0].headers)["request_key"].decode()
    assert numbers(api.events()) == [1, 2, 3]


def test_payloads_arrive_with_their_bytes_and_trace(api, topic):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    exact = (
        '{"action":"Created","category":"testing","entity":"Thing","data":{"b":1.10,"é":"ü"},'
        '"actor":{"id":"PolicyService","type":"service"}}'
    )
    topic.commit(1, payload=exact, trace=trace)
    with stream_relay(api) as relay:
        relay.handle(topic.records)
    (event,) = api.events()
    assert event.raw == '{"b":1.10,"é":"ü"}'.encode()
    assert event.traceparent == trace


def test_a_request_that_is_read_in_parts_is_sent_once_it_is_whole(api, topic):
    topic.commit(1, 2, 3)
    with stream_relay(api) as relay:
        assert relay.handle(topic.records[:2]) == {"events-0": 0}
        assert api.requests() == []
        assert relay.handle(topic.records[2:]) == {"events-0": 3}
    assert [request.records for request in api.requests()] == [3]


def test_records_that_are_read_again_after_a_kill_are_one_event_each(api, topic):
    """The second consumer reads other parts at a time, and starts in front of the last commit."""
    for first in range(0, 30, 3):
        topic.commit(first, first + 1, first + 2, job=f"job-{first % 4}")
    with stream_relay(api) as killed:
        killed.handle(topic.records[:20])
    with stream_relay(api, workers=2) as relay:
        for first in range(0, 30, 7):
            positions = relay.handle(topic.records[first : first + 7])
    assert positions == {"events-0": 30}
    assert sorted(numbers(api.events())) == list(range(30))


@pytest.mark.parametrize("first", [0, 1, 2])
def test_records_that_change_data_capture_repeats_are_one_event_each(api, topic, first):
    """It starts again at any record of a transaction, before or after the consumer has committed."""
    records = topic.commit(1, 2, 3)
    topic.again(records[first:])
    topic.commit(4)
    with stream_relay(api) as relay:
        relay.handle(topic.records[:3])
        assert relay.handle(topic.records[3:]) == {"events-0": len(topic.records)}
    assert numbers(api.events()) == [1, 2, 3, 4]


def test_records_that_are_repeated_before_their_request_is_whole_count_once(api, topic):
    records = topic.commit(1, 2, 3)
    topic.records = topic.records[:2]
    topic.again(records)
    with stream_relay(api) as relay:
        assert relay.handle(topic.records) == {"events-0": 5}
    assert numbers(api.events()) == [1, 2, 3]


def test_a_repeated_partial_failure_doubles_nothing(api, topic):
    """The records that are left are a new request. Its key follows from the first one's, so the API knows it too.

    Records that the API has stored although it called them failed are there twice, as with any relay.
    """
    api.faults(partial_failure={"probability": 0.5, "count": 6}, seed=3)
    topic.commit(*range(20))
    with stream_relay(api) as relay:
        assert relay.handle(topic.records) == {"events-0": 20}
    arrived = numbers(api.events())
    assert set(arrived) == set(range(20))
    keys = [request.idempotency_key for request in api.requests()]
    assert len(set(keys)) == len(keys) > 1
    for _ in range(2):
        with stream_relay(api) as relay:
            assert relay.handle(topic.records) == {"events-0": 20}
    assert numbers(api.events()) == arrived
    assert [request.idempotency_key for request in api.requests()] == keys * 3


def test_a_repeated_halving_doubles_nothing(api, topic):
    """A request that is too large is halved until each part is small enough. The parts have the same keys each time."""
    api.faults(too_large={"records": 2})
    topic.commit(1, 2, 3)
    for _ in range(2):
        with stream_relay(api) as relay:
            assert relay.handle(topic.records) == {"events-0": 3}
    assert numbers(api.events()) == [1, 2, 3]


def test_an_event_that_the_api_refuses_is_dead_alone(topic):
    dead = []
    with LocalEventsAPI(topics=PARTICULAR) as api:
        topic.commit(1, 99, 3)
        topic.commit(99, job="job-2")
        with stream_relay(api, dead) as relay:
            assert relay.handle(topic.records) == {"events-0": 4}
        assert numbers(api.events()) == [1, 3]
    assert [number_of(one.record) for one in dead] == [99, 99]
    assert all(one.reason for one in dead)


def test_an_outage_holds_back_the_position_and_counts_no_attempt(topic):
    with LocalEventsAPI() as api:
        api.faults(unavailable={})
        topic.commit(1)
        topic.commit(2)
        with stream_relay(api) as relay:
            assert relay.handle(topic.records, timeout=0.2) == {"events-0": 0}
            assert relay.waiting == 2
            assert relay.counts.pause_reason
            api.faults()
            assert relay.handle([]) == {"events-0": 2}
            assert (relay.waiting, relay.counts.retried) == (0, 0)
        assert numbers(api.events()) == [1, 2]


def test_an_api_that_refuses_the_connection_loses_nothing(topic):
    with LocalEventsAPI() as api:
        url = api.url
    topic.commit(1)
    client = client_of(url, None, timeout=(0.2, 0.5))
    with StreamRelay(client, on_dead=print, settings=RelaySettings(poll=(0.01, 0.01), pause=wait_fixed(0.01))) as relay:
        assert relay.handle(topic.records, timeout=0.2) == {"events-0": 0}
        with LocalEventsAPI(port=int(url.rpartition(":")[2])) as api:
            assert relay.handle([]) == {"events-0": 1}
            assert numbers(api.events()) == [1]


def test_a_lost_answer_is_repeated_with_the_same_key(api, topic):
    api.faults(lost_answer={"count": 2})
    topic.commit(1, 2)
    with stream_relay(api) as relay:
        relay.handle(topic.records)
    assert len({request.idempotency_key for request in api.requests()}) == 1
    assert numbers(api.events()) == [1, 2]


def test_the_events_of_a_job_keep_their_order_with_many_workers(api, topic):
    api.faults(latency={"ms": 3})
    for number in range(60):
        topic.commit(number, job=f"job-{number % 3}")
    with stream_relay(api, workers=8) as relay:
        assert relay.handle(topic.records) == {"events-0": 60}
    of_job = {job: [event.data["number"] for event in api.events(f"job:{job}")] for job in ("job-0", "job-1", "job-2")}
    assert of_job == {f"job-{first}": list(range(first, 60, 3)) for first in range(3)}


def test_later_requests_of_a_job_wait_for_a_record_that_is_sent_again(api, topic):
    api.faults(partial_failure={"count": 1})
    topic.commit(1)
    topic.commit(2, 3)
    topic.commit(4)
    with stream_relay(api, workers=2) as relay:
        relay.handle(topic.records)
    arrived = numbers(api.events())
    assert (arrived[0], arrived[-1], set(arrived[1:-1])) == (1, 4, {2, 3})


def test_a_job_with_many_requests_lets_the_others_have_their_turn(api, topic):
    for number in range(1000):
        topic.commit(number, job="busy", limit=1)
    topic.commit(1000, job="quiet")
    with stream_relay(api) as relay:
        relay.handle(topic.records)
    arrived = numbers(api.events())
    assert sorted(arrived) == list(range(1001))
    assert arrived.index(1000) < 600


def test_rows_of_a_relay_are_passed_over(api, topic):
    """While a service is switched over, change data capture reads them too. They are in no request."""
    topic.add(row(1))
    topic.commit(2)
    with stream_relay(api) as relay:
        assert relay.handle(topic.records) == {"events-0": 2}
    assert numbers(api.events()) == [2]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"headers": {"id": b"x"}}, "it has no header request_key; set table.fields.additional.placement"),
        ({"payload": b'"{}"'}, "its payload is not a JSON object; the value.converter has to be StringConverter"),
        ({"payload": b"{"}, "its payload is not JSON"),
        ({"payload": None}, "it has no payload"),
        ({"payload": b"\xff"}, "its payload is not text"),
        ({"key": None}, "it has no key"),
    ],
)
def test_a_record_that_cannot_be_read_is_dead_alone(api, topic, caplog, changed, reason):
    dead = []
    topic.commit(1, 2, 3)
    topic.records[1] = replace(topic.records[1], **changed)
    with stream_relay(api, dead) as relay:
        assert relay.handle(topic.records) == {"events-0": 3}
    assert numbers(api.events()) == [1, 3]
    assert [one.record for one in dead] == [topic.records[1]]
    assert dead[0].reason.startswith(reason)
    assert f"a record of a stream is dead: {reason}" in caplog.text


@pytest.mark.parametrize("name", ["id", "request_key", "request_place", "request_size"])
@pytest.mark.parametrize("value", ["", "x", "0", "-1", "1.5", "²", "9" * 5000, "\xff"])
def test_a_header_that_says_nothing_is_no_end_of_the_consumer(api, topic, name, value):
    dead = []
    topic.commit(1)
    headers = {**dict(topic.records[0].headers), name: value.encode("latin-1")}
    topic.records[0] = replace(topic.records[0], headers=headers)
    with stream_relay(api, dead) as relay:
        assert relay.handle(topic.records) == {"events-0": 1}
    assert [one.record for one in dead] == topic.records
    assert api.requests() == []


def test_an_event_with_a_job_id_that_no_header_can_carry_is_dead(api, topic):
    dead = []
    topic.commit(1, job="no job\n")
    topic.commit(2)
    with stream_relay(api, dead) as relay:
        assert relay.handle(topic.records) == {"events-0": 2}
    assert [one.record for one in dead] == topic.records[:1]


def test_a_dead_event_is_offered_until_it_is_stored(topic, caplog):
    dead = []

    def store(one):
        dead.append(one)
        if len(dead) < 3:
            raise OSError("the topic for dead letters is away")

    with LocalEventsAPI(topics=PARTICULAR) as api:
        topic.commit(99)
        topic.commit(2, job="job-2")
        with stream_relay(api, on_dead=store) as relay:
            assert relay.handle(topic.records) == {"events-0": 2}
        assert numbers(api.events()) == [2]
    assert [one.record for one in dead] == topic.records[:1] * 3
    assert "on_dead did not take a dead event (OSError)" in caplog.text


def test_a_dead_record_that_is_not_stored_ends_the_consumer(api, topic):
    def fail(_one):
        raise OSError

    topic.add(row(1), headers={})
    topic.commit(2)
    with stream_relay(api, on_dead=fail) as relay:
        with pytest.raises(OutboxError, match="on_dead did not take"):
            relay.handle(topic.records)
        assert relay.handle([]) == {"events-0": 0}


def test_each_partition_has_its_position(api):
    first, second = Topic(("events", 0)), Topic(("events", 1))
    first.commit(1, job="a")
    second.commit(2, 3, job="b")
    with stream_relay(api) as relay:
        assert relay.handle([*first.records, *second.records[:1]]) == {("events", 0): 1, ("events", 1): 0}
        assert relay.handle(second.records[1:]) == {("events", 1): 2}
        assert relay.handle([]) == {}


def test_headers_may_be_text_or_a_mapping(api, topic):
    """Client libraries differ in this."""
    topic.commit(1)
    headers = {name: value and value.decode() for name, value in topic.records[0].headers}
    topic.records[0] = replace(
        topic.records[0], headers=headers, key="job-1", payload=topic.records[0].payload.decode()
    )
    with stream_relay(api) as relay:
        relay.handle(topic.records)
    assert numbers(api.events()) == [1]


def test_its_misuse_is_answered_with_what_to_do(api, topic):
    with pytest.raises(ConfigurationError, match="needs a client that has an api_url"):
        StreamRelay(client_of(None, None), on_dead=print)
    with pytest.raises(ConfigurationError, match="inside `with relay:`"):
        stream_relay(api).handle(topic.records)
    with stream_relay(api) as relay, pytest.raises(ConfigurationError, match="records"):
        relay.handle([("key", "payload")])


def test_it_counts_and_reports_as_a_relay_does(api, topic, caplog):
    caplog.set_level(logging.INFO)
    topic.commit(1, 2)
    with stream_relay(api) as relay:
        relay.handle(topic.records)
        until(lambda: relay.counts.sent == 2)
    assert (relay.counts.requests, relay.counts.dead) == (1, 0)


def test_a_record_shows_no_payload():
    topic = Topic()
    topic.commit(1)
    assert json.loads(topic.records[0].payload)["data"] == {"number": 1}
    assert "number" not in repr(topic.records[0])
