"""A relay against a real Events API over HTTP: order, keys, repeats and pauses."""

import time
from dataclasses import replace

from tenacity import wait_fixed

from bc_events._delivery.request import Limits
from bc_events._delivery.wire import Answer, Verdict
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay, RelaySettings
from tests.outbox.relays import Scripted, drained, relay_of, until
from tests.outbox.service import QUICK, api_of, numbers, row


def test_events_arrive_in_order_with_their_job_and_bytes(store, api):
    exact = (
        '{"action":"Created","category":"testing","entity":"Thing","data":{"b":1.10,"a":12345678901234567890.5},'
        '"actor":{"id":"PolicyService","type":"service"}}'
    )
    store.add([row(1), row(2, payload=exact), row(3)])
    relay = drained(store, api)
    received = api.events()
    assert [event.job_id for event in received] == ["job-1"] * 3
    assert received[1].raw == b'{"b":1.10,"a":12345678901234567890.5}'
    assert (relay.counts.sent, relay.counts.requests) == (3, 1)


def test_one_request_carries_one_job(store, api):
    store.add([row(number, f"job-{number % 3}") for number in range(9)])
    drained(store, api)
    assert {(request.job_id, request.records) for request in api.requests()} == {
        ("job-0", 3),
        ("job-1", 3),
        ("job-2", 3),
    }


def test_many_events_become_requests_of_at_most_250(store, api):
    store.add([row(number) for number in range(600)])
    drained(store, api, workers=3)
    assert sorted(numbers(api.events())) == list(range(600))
    assert all(request.records <= 250 for request in api.requests())


def test_each_event_travels_under_the_trace_it_was_published_in(store, api):
    """A request has one header. Events of several traces that share a request travel without one."""
    trace, other = (f"00-{digit * 32}-b7ad6b7169203331-01" for digit in "ab")
    store.add([row(1, "a", trace=trace), row(2, "a", trace=trace), row(3, "b")])
    store.add([row(4, "c", trace=trace), row(5, "c", trace=other)])
    drained(store, api)
    assert {event.job_id: event.traceparent for event in api.events()} == {"a": trace, "b": None, "c": None}


def test_records_that_fail_for_now_are_sent_again_under_a_new_key(store, api):
    api.faults(partial_failure={"probability": 0.5, "count": 10}, seed=3)
    store.add([row(number) for number in range(40)])
    relay = drained(store, api)
    assert set(numbers(api.events())) == set(range(40))
    assert relay.counts.retried == 10
    keys = [request.idempotency_key for request in api.requests()]
    assert len(keys) == len(set(keys))


def test_a_failed_record_waits_as_its_attempts_demand(store, api):
    api.faults(partial_failure={"count": 1})
    store.add([row(1), row(2)])
    settings = RelaySettings(poll=(0.005, 0.05), retry=wait_fixed(3600))
    with relay_of(store, api, settings=settings):
        until(lambda: store.stats().retried == 1)
    (left,) = store.show()
    assert left.attempts == 1
    assert left.last_error in ("ProvisionedThroughputExceededException", "InternalFailureException")
    assert left.available_at > time.time() + 3000


def test_a_lost_answer_is_repeated_with_the_same_bytes_and_key(store, api):
    api.faults(lost_answer={"count": 2})
    store.add([row(number) for number in range(5)])
    drained(store, api)
    assert numbers(api.events()) == [0, 1, 2, 3, 4]
    assert len({request.idempotency_key for request in api.requests()}) == 1
    assert [request.is_replay for request in api.requests()] == [False, True, True]


def test_an_outage_counts_no_attempt_and_loses_nothing(store, api):
    api.faults(unavailable={"count": 4, "retry_after": 0})
    store.add([row(number) for number in range(5)])
    with relay_of(store, api) as relay:
        until(lambda: api.fired()["unavailable"] == 4)
        until(lambda: store.stats().pending == 0)
    assert numbers(api.events()) == [0, 1, 2, 3, 4]
    assert (relay.counts.retried, relay.counts.dead, relay.counts.pause_reason) == (0, 0, None)


def test_a_worker_leaves_the_api_alone_for_as_long_as_it_asks(store, api):
    """And new events do not make it ask sooner."""
    api.faults(unavailable={"count": 1, "retry_after": 3600})
    store.add([row(1)])
    with relay_of(store, api) as relay:
        until(lambda: relay.counts.pause_reason is not None)
        store.add([row(2, "job-2")])
        relay.wake()
        relay.drain(30)
    assert len(api.requests()) == 1
    assert store.stats().pending == 2
    assert all(found.attempts == 0 for found in store.show())


def test_what_cannot_pass_does_not_hold_up_the_rest(store):
    """One request that the API answers with 5xx for ever is put behind what else is ready."""
    with LocalEventsAPI() as api:
        plain = api_of(api.url)
        post = plain.post

        def fussy(request, patience=None):
            if request.events[0].job_id == "poison":
                return Answer(Verdict.AGAIN, "HTTP 502", status=502)
            return post(request, patience)

        plain.post = fussy
        store.add([row(0, "poison"), *(row(number, f"job-{number}") for number in range(1, 6))])
        with Relay(store, plain, settings=RelaySettings(poll=(0.005, 5.0), pause=wait_fixed(0.1))):
            api.wait(count=5, timeout=30)
        assert sorted(numbers(api.events())) == [1, 2, 3, 4, 5]
        assert store.stats().pending == 1


def test_while_the_api_is_away_one_request_is_enough_to_ask_for_it(store):
    """Claims of all that waits, only to be released, would hold up the code that stores events meanwhile."""
    away, taken = Answer(Verdict.AGAIN, "503", status=503), Answer(Verdict.SETTLED, results=("Success",), status=201)
    api, leased = Scripted([away, away, *[taken] * 5]), []
    post = api.post
    api.post = lambda *arguments: leased.append(store.stats().leased) or post(*arguments)
    store.add([row(number, f"job-{number}") for number in range(5)])
    with Relay(store, api, settings=QUICK):
        until(lambda: store.stats().pending == 0)
    assert leased[:3] == [5, 1, 1]
    assert max(leased[3:]) > 1


def test_results_are_settled_while_others_are_still_to_come(store):
    """A relay that is killed in a long claim sends little again."""
    taken = Answer(Verdict.SETTLED, results=("Success",), status=201)
    api, pending = Scripted([taken] * 3), []
    post = api.post

    def slow(*arguments):
        pending.append(store.stats().pending)
        begun = time.monotonic()
        until(lambda: time.monotonic() > begun + 0.11)
        return post(*arguments)

    api.post = slow
    store.add([row(number, f"job-{number}") for number in range(3)])
    with Relay(store, api, settings=QUICK):
        until(lambda: store.stats().pending == 0)
    assert pending == [3, 2, 1]


def test_a_pause_of_a_day_is_one_of_the_worker_and_not_of_the_event(store):
    """Another relay, or this one when it is started anew, may ask again."""
    api = Scripted([Answer(Verdict.AGAIN, "503", status=503, pause=86_400.0)])
    store.add([row(1)])
    with Relay(store, api, settings=QUICK) as relay:
        until(lambda: relay.counts.pause_reason is not None and store.stats().leased == 0)
        assert store.show()[0].available_at < time.time() + QUICK.lease + 5


def test_in_order_of_jobs_nothing_overtakes(store, api):
    api.faults(internal_failure={"probability": 0.2}, lost_answer={"probability": 0.1}, seed=5)
    store.add([row(number, f"job-{number % 4}") for number in range(40)])
    drained(store, api, workers=3, order="job")
    for job in range(4):
        assert numbers(api.events(f"job:job-{job}")) == list(range(job, 40, 4))


def test_in_order_of_jobs_what_follows_waits_for_an_event_that_has_to_be_sent_again(store):
    """Only a bulk request gets such an answer. A relay in the order of time has begun it."""
    store.add([row(number) for number in range(3)])
    begun = store.claim(limit=3, seconds=60, limits=Limits())
    store.release(begun.lease, begun.requests[0].events)
    store.add([row(3)])
    taken = Answer(Verdict.SETTLED, results=("Success",), status=201)
    api = Scripted([replace(taken, results=("Success", "InternalFailureException", "Success")), taken, taken])
    with Relay(store, api, order="job", settings=QUICK):
        until(lambda: store.stats().pending == 0)
    assert api.sent == [[0, 1, 2], [1], [3]]
