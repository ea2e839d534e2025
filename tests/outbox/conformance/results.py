"""Results: failures, dead letters, replay, purge, and results that come too late."""

from __future__ import annotations

from bc_events.outbox._store.row import Row
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.rows import claimed, ids, in_claim, row, rows_of, shape


def test_a_failed_row_waits_and_is_counted(store):
    store.add([row(1), row(2)])
    claim = claimed(store)
    one, two = claim.requests[0].events
    assert store.settle(claim.lease, Settlement([one], [Failure(two, "InternalFailureException", 3600)])) == 0
    (left,) = store.show()
    assert (left.id, left.attempts, left.last_error) == (two.id, 1, "InternalFailureException")
    assert (left.batch, left.lease) == (None, None)
    assert claimed(store) is None
    assert store.stats().retried == 1


def test_a_failed_row_without_a_wait_is_ready_under_a_new_key(store):
    """After an answer the rest is a new request, even with equal bytes."""
    store.add([row(1)])
    first = claimed(store)
    store.settle(first.lease, Settlement([], [Failure(first.requests[0].events[0], "again", 0.0)]))
    again = claimed(store)
    assert again.requests[0].body == first.requests[0].body
    assert again.requests[0].key != first.requests[0].key


def test_a_dead_row_is_shown_and_never_claimed(store):
    store.add([row(1), row(2)])
    claim = claimed(store)
    one, two = claim.requests[0].events
    store.settle(claim.lease, Settlement([two], [Failure(one, "InvalidRecord")]))
    assert claimed(store) is None
    assert store.show() == []
    (dead,) = store.show(dead=True)
    assert (dead.id, dead.last_error) == (one.id, "InvalidRecord")
    assert dead.dead_at is not None
    assert (store.stats().pending, store.stats().dead) == (0, 1)


def dead_rows(store, count: int) -> list[Row]:
    store.add([row(number) for number in range(count)])
    claim = claimed(store)
    store.settle(claim.lease, Settlement([], [Failure(one, "no") for one in claim.requests[0].events]))
    return store.show(dead=True)


def test_replay_makes_dead_rows_ready_again(store):
    rows = dead_rows(store, 3)
    assert store.replay([rows[1].id]) == 1
    assert in_claim(claimed(store)) == [rows[1].id]
    assert store.replay() == 2
    assert set(in_claim(claimed(store))) == {rows[0].id, rows[2].id}


def test_replay_leaves_what_waits_alone(store):
    store.add([row(1)])
    claim = claimed(store)
    assert store.replay() == 0
    assert store.replay(in_claim(claim)) == 0
    assert claimed(store) is None


def test_purge_deletes_dead_rows_and_no_others(store):
    rows = dead_rows(store, 3)
    store.add([row(9)])
    waiting = store.show()[0].id
    assert store.purge([rows[0].id, waiting]) == 1
    assert store.purge() == 2
    assert ids(store.show()) == [waiting]


def test_a_stale_lease_settles_nothing(store):
    """A relay that was stopped for longer than its lease must not delete what another one is sending."""
    store.add([row(1), row(2)])
    stale = claimed(store, seconds=0)
    second = claimed(store)
    rows = list(stale.requests[0].events)
    assert store.settle(stale.lease, Settlement([rows[0]], [Failure(rows[1], "late")])) == 2
    store.release(stale.lease, rows)
    assert not store.split(stale.lease, stale.requests[0].halves())
    assert store.stats().pending == 2
    assert claimed(store) is None
    assert store.settle(second.lease, Settlement(list(second.requests[0].events))) == 0


def test_halves_are_stamped_before_they_are_sent(store):
    store.add([row(number) for number in range(4)])
    claim = claimed(store, seconds=0)
    halves = claim.requests[0].halves()
    assert store.split(claim.lease, halves)
    assert shape(claimed(store)) == [(half.key, half.body) for half in halves]


def test_what_is_left_of_a_batch_is_claimed_under_a_new_key_after_its_first_row_was_deleted_by_hand(store):
    """Other bytes under the old key would be answered with the old results, which do not fit, each time."""
    rows = [row(number) for number in range(3)]
    store.add(rows)
    claim = claimed(store)
    store.release(claim.lease, rows_of(claim))
    with store._database.transaction() as transaction:
        transaction.run(f"DELETE FROM bc_outbox WHERE seq = {rows_of(claim)[0].seq}")
    again = claimed(store)
    assert in_claim(again) == ids(rows[1:])
    assert again.requests[0].key != claim.requests[0].key


__all__ = [name for name in list(globals()) if name.startswith("test_")]
