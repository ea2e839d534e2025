"""The promises of every store about rows that another program has changed. Imported as `conformance` is."""

import pytest

from bc_events.outbox._store.store import Settlement
from tests.outbox.rows import claimed, ids, in_claim, row, rows_of, shape

UNREADABLE = {
    "payload is not JSON": ["payload = 'spoilt'", "payload = ''", """payload = '{"a": 1}, {"b": 2}'"""],
    "payload is not a JSON object": ["payload = '[1]'", "payload = 'null'"],
    "attempts is not": ["attempts = -1"],
    "available_at is not": ["available_at = 1e300"],
    "created_at is not": ["created_at = 1e300"],
    "batch_first is not": ["batch = '0af7651916cd43dd8448eb211c80319c', batch_first = NULL, batch_last = 0"],
}
IN_SQLITE = {
    "payload is not text": ["payload = CAST(payload AS BLOB)", "payload = CAST(X'7b80' AS TEXT)"],
    "id is not a UUID": ["id = 'spoilt'", "id = X'80'", "id = CAST(X'80' AS TEXT)"],
    "aggregateid is not text": ["aggregateid = X'80'", "aggregateid = CAST(X'80' AS TEXT)"],
    "aggregatetype is not text": ["aggregatetype = X'80'"],
    "type is not text": ["type = CAST(X'80' AS TEXT)"],
    "service is not text": ["service = X'80'"],
    "trace is not text": ["trace = X'80'"],
    "lease is not a UUID": ["lease = 'spoilt'"],
    "batch is not a UUID": ["batch = 'spoilt'", "batch = X'80'"],
    "attempts is not": ["attempts = 'many'", "attempts = 1e300", "attempts = X'80'"],
    "available_at is not": ["available_at = 'soon'", "available_at = X'80'", "available_at = -9e999"],
    "created_at is not": ["created_at = 'then'", "created_at = -9e999"],
}
IN_POSTGRESQL = {
    "available_at is not": ["available_at = 'NaN'"],
    "created_at is not": ["created_at = 'NaN'", "created_at = '-Infinity'"],
}


def spoilt(store):
    """A change to one row, and what is said of it."""
    own = {"sqlite": IN_SQLITE, "postgresql": IN_POSTGRESQL, "mysql": {}}[store._dialect.name]
    return [(change, reason) for table in (UNREADABLE, own) for reason, changes in table.items() for change in changes]


def spoil(store, number: int, change: str) -> None:
    """Changes a row as an operator or another program may do."""
    with store._database.transaction() as transaction:
        ((seq,),) = transaction.run(f"SELECT seq FROM bc_outbox ORDER BY seq LIMIT 1 OFFSET {number}")
        transaction.run(f"UPDATE bc_outbox SET {change} WHERE seq = {seq}")


def work_off(store, order) -> tuple[list, list]:
    """Claims until nothing is ready; returns the rows that could be sent, and the failures of those that could not."""
    sent, dead = [], []
    while claim := claimed(store, order=order):
        sent += rows_of(claim)
        dead += claim.dead
        store.settle(claim.lease, Settlement(rows_of(claim), []))
    return sent, dead


@pytest.mark.parametrize(("order", "is_stamped"), [("time", True), ("job", False)], ids=["in a batch", "loose"])
def test_a_row_that_cannot_be_read_is_dead_and_holds_no_other_up(store, order, is_stamped):
    for change, reason in spoilt(store):
        rows = [row(number) for number in range(5)]
        store.add(rows)
        if is_stamped:
            claimed(store, seconds=0)
        spoil(store, 2, change)
        assert store.stats().pending == len(store.show()) == 5, change
        sent, (failure,) = work_off(store, order)
        assert sorted(ids(sent)) == sorted(ids(rows[:2] + rows[3:])), change
        (left,) = store.show(dead=True)
        assert reason in failure.reason == left.last_error, change
        assert "spoilt" not in failure.reason, change
        assert store.stats().dead == 1
        assert store.find([left.id]) == [left]
        assert store.purge([left.id]) == 1


def test_what_is_left_of_a_batch_with_an_unreadable_row_has_a_new_key(store):
    """A server that knows the key would answer with the results of the whole batch."""
    for change in (change for change, reason in spoilt(store) if "batch" not in reason):
        store.add([row(number) for number in range(5)])
        before = shape(claimed(store, seconds=0))
        spoil(store, 0, change)
        keys = set()
        while claim := claimed(store):
            keys |= {key for key, _ in shape(claim)}
            store.settle(claim.lease, Settlement(rows_of(claim), []))
        assert keys.isdisjoint(key for key, _ in before), change
        store.purge()


def test_an_unreadable_row_that_was_put_right_is_delivered_once_it_is_replayed(store):
    stored = row(1)
    store.add([stored])
    spoil(store, 0, "payload = 'spoilt'")
    assert work_off(store, "time")[0] == []
    store.replay()
    assert len(work_off(store, "time")[1]) == 1
    spoil(store, 0, f"payload = '{stored.payload}'")
    store.replay()
    assert ids(work_off(store, "time")[0]) == [stored.id]


def test_more_unreadable_rows_than_a_claim_holds_do_not_stop_it(store):
    rows = [row(number, f"job-{number}") for number in range(8)]
    store.add(rows)
    for number in range(6):
        spoil(store, number, "payload = 'spoilt'")
    sent = []
    while claim := claimed(store, limit=2):
        sent += in_claim(claim)
        store.settle(claim.lease, Settlement(rows_of(claim), []))
    assert sent == ids(rows[6:])


__all__ = [name for name in globals() if name.startswith("test_")]
