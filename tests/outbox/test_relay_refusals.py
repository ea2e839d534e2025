"""A relay whose API refuses requests or records: halves, dead letters, and what is reported."""

import pytest
from tenacity import wait_fixed

from bc_events._delivery.request import Limits
from bc_events._delivery.wire import Answer, Verdict
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay, RelaySettings
from tests.outbox.relays import Scripted, drained, relay_of, until
from tests.outbox.service import QUICK, TOPICS, api_of, numbers, row


def test_a_refusal_of_everything_pauses_and_is_an_error(store, api, caplog):
    """A wrong address must not kill events."""
    store.add([row(1), row(2, "job-2")])
    with Relay(store, api_of(f"{api.url}/wrong"), settings=RelaySettings(pause=wait_fixed(3600))) as relay:
        until(lambda: relay.counts.pause_reason is not None)
    assert (store.stats().pending, store.stats().dead) == (2, 0)
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "refuses this relay" in record.message
    assert record.bc_reason.startswith("HTTP 404")


def test_a_bulk_that_is_refused_is_halved_until_the_bad_record_stands_alone(store, api):
    bad = row(3, payload='{"action":"wrong"}')
    store.add([row(1), row(2), bad, row(4)])
    with relay_of(store, api):
        until(lambda: store.stats().pending == 0)
    assert sorted(numbers(api.events())) == [1, 2, 4]
    (dead,) = store.show(dead=True)
    assert dead.id == bad.id
    assert dead.last_error.startswith("HTTP 400")


@pytest.mark.parametrize("result", ["AccessDenied", "ValidationException", "success"])
def test_a_record_with_any_other_result_than_success_is_dead(store, result):
    api = Scripted([Answer(Verdict.SETTLED, results=("Success", result))])
    store.add([row(1), row(2)])
    with Relay(store, api, settings=QUICK) as relay:
        until(lambda: store.stats().pending == 0)
    assert [(dead.seq, dead.last_error) for dead in store.show(dead=True)] == [(2, result)]
    assert (relay.counts.sent, relay.counts.dead, relay.counts.retried) == (1, 1, 0)


def test_a_request_that_is_too_large_is_sent_in_parts(store, api):
    api.faults(too_large={"records": 3})
    store.add([row(number) for number in range(8)])
    drained(store, api)
    assert sorted(numbers(api.events())) == list(range(8))
    assert {request.records for request in api.requests() if request.status == 201} == {2}


@pytest.mark.parametrize(
    "refusal", [Answer(Verdict.SPLIT, "HTTP 413", status=413), Answer(Verdict.FINAL, "HTTP 400", status=400)]
)
def test_a_refused_batch_is_halved_also_after_an_unknown_outcome(store, refusal):
    """Otherwise one poison event would take its neighbours with it after each outage."""
    taken = Answer(Verdict.SETTLED, results=("Success",))
    api = Scripted([Answer(Verdict.AGAIN, "no answer"), Answer(Verdict.AGAIN, "HTTP 504"), refusal, refusal, taken])
    store.add([row(1), row(2)])
    with Relay(store, api, settings=QUICK) as relay:
        until(lambda: store.stats().dead == 1 and store.stats().pending == 0)
    assert api.sent == [[1, 2], [1, 2], [1, 2], [1], [2]]
    assert len(set(api.keys)) == 3
    assert [dead.last_error for dead in store.show(dead=True)] == [refusal.reason]
    assert (relay.counts.dead, relay.counts.sent) == (1, 1)


def test_a_refused_batch_of_a_killed_relay_is_halved(store, api):
    api.faults(too_large={"records": 2})
    store.add([row(1), row(2)])
    store.claim(limit=250, seconds=0, limits=Limits())
    drained(store, api)
    assert sorted(numbers(api.events())) == [1, 2]


def test_a_record_that_its_topic_forbids_is_dead_and_replay_delivers_it_once_mended(store):
    strict = {**TOPICS, "Topics": [{**TOPICS["Topics"][0], "Schema": {"type": "object", "required": ["url"]}}]}
    store.add([row(1), row(2)])
    with LocalEventsAPI(topics=strict) as strict_api:
        drained(store, strict_api)
        assert strict_api.events() == []
    assert store.stats().dead == 2
    assert store.replay() == 2
    with LocalEventsAPI(topics=TOPICS) as corrected:
        drained(store, corrected)
        assert sorted(numbers(corrected.events())) == [1, 2]


def test_a_job_id_that_no_header_may_carry_is_dead_and_stops_nothing(store, api):
    store.add([row(1, "two\nlines"), row(2)])
    drained(store, api)
    assert numbers(api.events()) == [2]
    assert "job id" in store.show(dead=True)[0].last_error


def test_a_row_that_cannot_be_read_is_reported_and_counted_without_its_data(store, api, caplog):
    store.add([row(1, payload='{"secret": "data"'), row(2)])
    relay = drained(store, api)
    assert numbers(api.events()) == [2]
    assert (relay.counts.sent, relay.counts.dead) == (1, 1)
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "payload is not JSON" in record.message
    assert "secret" not in str(record.__dict__)


def test_a_dead_event_is_reported_without_its_data(store, api, caplog):
    store.add([row(1, payload='{"secret":"data"}')])
    drained(store, api)
    (record,) = [one for one in caplog.records if "is dead" in one.message]
    assert (record.bc_topic, record.bc_job_id) == ("testing.ThingCreated", "job-1")
    assert "secret" not in str(record.__dict__)
