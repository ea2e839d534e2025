"""The life of a relay: leases, the stop, and a database that is gone."""

import threading
import time
from dataclasses import replace

from bc_events._delivery.request import Limits
from bc_events.errors import OutboxError
from bc_events.outbox import Relay, RelaySettings
from bc_events.outbox._relay.claim_sender import ClaimSender
from bc_events.outbox._relay.counts import RelayCounts
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlite.database import SQLiteDatabase
from tests.outbox.relays import drained, relay_of, until
from tests.outbox.service import QUICK, api_of, numbers, row


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
    relay = relay_of(store, api)
    with relay:
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
    with relay_of(store, api) as relay:
        until(lambda: not failures and relay.counts.pause_reason is None)
        store.add([row(1)])
        relay.wake()
        until(lambda: store.stats().pending == 0)
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


def test_events_that_wait_for_too_long_are_an_error_also_after_the_database_was_gone(store, api, caplog):
    stats, failures = store.stats, [OutboxError("gone")]

    def sometimes():
        if failures and threading.current_thread().name == "bc-events-relay-age":
            raise failures.pop()
        return stats()

    store.stats = sometimes
    store.add([row(1)])
    api.faults(unavailable={"retry_after": 3600})
    with relay_of(store, api, settings=RelaySettings(alarm=1)):
        until(lambda: "1 event waiting in the outbox for too long" in caplog.text)
    assert failures == []
