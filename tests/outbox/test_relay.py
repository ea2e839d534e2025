"""A relay against a real Events API over HTTP: what it does with each kind of answer, and when it is stopped."""

import json
import threading
import time
from dataclasses import replace

import pytest
from tenacity import wait_fixed

from bc_events import ConfigurationError
from bc_events._delivery.request import Limits
from bc_events._delivery.wire import Answer, Verdict
from bc_events.errors import OutboxError
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay, RelaySettings
from bc_events.outbox._relay.claim_sender import ClaimSender
from bc_events.outbox._relay.counts import RelayCounts
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlite.database import SQLiteDatabase
from tests.outbox.service import QUICK, TOPICS, api_of, numbers, row


@pytest.fixture
def store(tmp_path):
    store = TableStore(SQLiteDatabase(tmp_path / "events.db", max_bytes=1 << 30, busy_timeout=5))
    yield store
    store.close()


def relay_of(store, api, **options) -> Relay:
    return Relay(store, api_of(api.url), **{"settings": QUICK, **options})


def drained(store, api, **options) -> Relay:
    """A relay that has run until nothing was pending."""
    with relay_of(store, api, **options) as relay:
        until(lambda: store.stats().pending == 0)
    return relay


def until(is_so, timeout=30.0) -> None:
    """Other threads and processes have no event to wait for in common with a test."""
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Scripted:
    """An Events API that gives these answers, and remembers the keys and the numbers that it was sent."""

    deadline = 1.0

    def __init__(self, answers):
        self.answers = list(answers)
        self.keys: list[str] = []
        self.sent: list[list[int]] = []

    def prepare(self) -> None:
        """Nothing is to be loaded."""

    def post(self, request, patience=None):
        self.keys.append(request.key)
        self.sent.append([json.loads(one.payload)["data"]["number"] for one in request.events])
        return self.answers.pop(0)


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
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    store.add([row(1, "a", trace=trace), row(2, "b")])
    drained(store, api)
    assert {event.job_id: event.traceparent for event in api.events()} == {"a": trace, "b": None}


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
    """Claims of all that waits, only to be released, would hold up whoever stores events meanwhile."""
    away, taken = Answer(Verdict.AGAIN, "503", status=503), Answer(Verdict.SETTLED, results=("Success",), status=201)
    api, leased = Scripted([away, away, *[taken] * 5]), []
    post = api.post
    api.post = lambda *arguments: leased.append(store.stats().leased) or post(*arguments)
    store.add([row(number, f"job-{number}") for number in range(5)])
    with Relay(store, api, settings=QUICK):
        until(lambda: store.stats().pending == 0)
    assert leased[:3] == [5, 1, 1]
    assert max(leased[3:]) > 1


def test_a_pause_of_a_day_is_one_of_the_worker_and_not_of_the_event(store):
    """Another relay, or this one when it is started anew, may ask again."""
    api = Scripted([Answer(Verdict.AGAIN, "503", status=503, pause=86_400.0)])
    store.add([row(1)])
    with Relay(store, api, settings=QUICK) as relay:
        until(lambda: relay.counts.pause_reason is not None and store.stats().leased == 0)
        assert store.show()[0].available_at < time.time() + QUICK.lease + 5


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
    with LocalEventsAPI(topics=TOPICS) as mended:
        drained(store, mended)
        assert sorted(numbers(mended.events())) == [1, 2]


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


def test_in_order_of_jobs_nothing_overtakes(store, api):
    api.faults(internal_failure={"probability": 0.2}, lost_answer={"probability": 0.1}, seed=5)
    store.add([row(number, f"job-{number % 4}") for number in range(40)])
    drained(store, api, workers=3, order="job")
    for job in range(4):
        assert numbers(api.events(f"job:job-{job}")) == list(range(job, 40, 4))


def test_in_order_of_jobs_what_follows_waits_for_an_event_that_has_to_be_sent_again(store):
    """Such an answer is to a bulk, which a relay in the order of time had begun."""
    store.add([row(number) for number in range(3)])
    begun = store.claim(limit=3, seconds=60, limits=Limits())
    store.release(begun.lease, begun.requests[0].events)
    store.add([row(3)])
    taken = Answer(Verdict.SETTLED, results=("Success",), status=201)
    api = Scripted([replace(taken, results=("Success", "InternalFailureException", "Success")), taken, taken])
    with Relay(store, api, order="job", settings=QUICK):
        until(lambda: store.stats().pending == 0)
    assert api.sent == [[0, 1, 2], [1], [3]]


def test_the_result_of_a_relay_that_was_held_up_is_fenced_off(store, api, caplog):
    """It stops between the POST and the settlement for longer than its lease; another has taken over meanwhile."""
    plain = api_of(api.url)
    post, posted, go_on = plain.post, threading.Event(), threading.Event()

    def held_up(request, patience=None):
        answer = post(request, patience)
        posted.set()
        go_on.wait()
        return answer

    plain.post = held_up
    store.add([row(1)])
    slow = Relay(store, plain, settings=QUICK)
    slow.start()
    posted.wait()
    with store._database.transaction() as transaction:
        transaction.run("UPDATE bc_outbox SET available_at = 0")
    fast = drained(store, api)
    go_on.set()
    slow.stop()
    slow.join()
    assert (slow.counts.lost_leases, fast.counts.sent) == (1, 1)
    assert numbers(api.events()) == [1]
    assert "a lease ended" in caplog.text


def test_stopping_finishes_the_request_in_hand_and_releases_the_rest(store, api):
    plain = api_of(api.url)
    post, posted, go_on = plain.post, threading.Event(), threading.Event()

    def waiting(request, patience=None):
        posted.set()
        go_on.wait()
        return post(request, patience)

    plain.post = waiting
    store.add([row(1), row(2, "job-2")])
    relay = Relay(store, plain, settings=QUICK)
    relay.start()
    posted.wait()
    relay.stop()
    go_on.set()
    assert relay.join(30)
    assert numbers(api.events()) == [1]
    (left,) = store.show()
    assert left.lease is None
    assert store.claim(limit=1, seconds=1, limits=Limits()) is not None


def test_what_is_stored_while_a_worker_looks_is_drained_too(store, api):
    """A process that stores an event and ends would leave it to the next one otherwise."""
    claim, draining, sent = store.claim, [], []

    def late(**options):
        found = claim(**options)
        if found is None and not draining:
            store.add([row(1)])
            draining.append(threading.Thread(target=lambda: sent.append(relay.drain(30) or relay.counts.sent)))
            draining[0].start()
            until(relay._workers[0]._woken.is_set)
        return found

    store.claim = late
    with relay_of(store, api) as relay:
        until(lambda: sent)
        draining[0].join()
    assert sent == [1]


def test_a_lease_that_is_nearly_over_is_not_used(store, api):
    """With many slow requests in one claim the last ones would be sent when somebody else may hold them."""
    store.add([row(1), row(2, "job-2")])
    claim = store.claim(limit=10, seconds=60, limits=Limits())
    plain = api_of(api.url)
    late = replace(claim, until=time.monotonic() + plain.deadline / 2)
    sender = ClaimSender(
        late, store, plain, settings=QUICK, counts=RelayCounts(), is_stopping=lambda: False, on_answer=lambda: None
    )
    assert sender.run() is None
    assert api.requests() == []
    assert all(found.lease is None for found in store.show())


def test_a_relay_survives_its_database(store, api, caplog):
    claim, failures = store.claim, [OutboxError("gone"), OutboxError("gone")]

    def sometimes(**options):
        if failures:
            raise failures.pop()
        return claim(**options)

    store.claim = sometimes
    store.add([row(1)])
    drained(store, api)
    assert numbers(api.events()) == [1]
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1


def test_whether_it_is_done_is_not_known_while_the_database_is_gone(tmp_path, api):
    lost = TableStore(SQLiteDatabase(tmp_path / "gone" / "events.db", max_bytes=1 << 30, busy_timeout=5))
    relay = relay_of(lost, api)
    assert not relay.is_done()
    (tmp_path / "gone").mkdir()
    assert relay.is_done()
    lost.close()


def test_events_that_wait_for_too_long_are_an_error(store, api, caplog):
    store.add([row(1)])
    api.faults(unavailable={"retry_after": 3600})
    with relay_of(store, api, settings=RelaySettings(alarm=1)):
        until(lambda: "1 event waiting in the outbox for too long" in caplog.text)


def test_a_lease_shorter_than_three_deadlines_is_refused(store, api):
    with pytest.raises(ConfigurationError, match="too short"):
        Relay(store, api_of(api.url, timeout=(1, 10)), settings=RelaySettings(lease=32))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1, "60", None])
@pytest.mark.parametrize("name", ["lease", "alarm", "poll"])
def test_a_setting_that_is_no_number_of_seconds_is_refused(store, api, name, seconds):
    given = (0.05, seconds) if name == "poll" else seconds
    with pytest.raises(ConfigurationError, match=rf"{name} is .*; give a finite number of seconds"):
        relay_of(store, api, settings=RelaySettings(**{name: given}))


def test_a_lease_of_more_than_a_day_is_refused(store, api):
    """Rows are ready again at once where their time is too far away: another relay would send them too."""
    with pytest.raises(ConfigurationError, match="give at most 86400 seconds"):
        relay_of(store, api, settings=RelaySettings(lease=1e12))


@pytest.mark.parametrize("poll", [1.0, (1.0,), None])
def test_a_wait_between_looks_is_two_numbers(store, api, poll):
    with pytest.raises(ConfigurationError, match="poll is .*; give two numbers"):
        relay_of(store, api, settings=RelaySettings(poll=poll))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300])
def test_a_wait_that_never_ends_is_cut(seconds):
    """What a strategy says for a later attempt cannot be checked beforehand."""
    settings = RelaySettings(retry=wait_fixed(seconds), pause=wait_fixed(seconds))
    assert (settings.retry_after(1), settings.pause_after(1)) == (86_400, 86_400)


@pytest.mark.parametrize("workers", [0, 1.5, 10**20, None])
def test_a_number_of_workers_that_cannot_be_meant_is_refused(store, api, workers):
    with pytest.raises(ConfigurationError, match="give a whole number from 1 to 1000"):
        relay_of(store, api, workers=workers)
