"""Rows are stored, found and counted."""

from __future__ import annotations

import uuid

from tests.outbox.rows import claimed, ids, row


def test_a_new_store_is_empty(store):
    stats = store.stats()
    assert (stats.pending, stats.leased, stats.retried, stats.dead, stats.oldest_age) == (0, 0, 0, 0, 0.0)
    assert claimed(store) is None


def test_a_table_that_is_there_passes_the_check(store):
    store.check()


def test_rows_come_back_as_they_were_stored(store):
    exact = '{"data":{"é":"a\\"\\\\b","amount":12345678901234567890.10,"b":1,"a":null}}'
    stored = row(1, payload=exact)
    store.add([stored])
    (found,) = store.show()
    assert found.payload == exact
    assert found.envelope == exact.encode()
    assert (found.id, found.category, found.job_id, found.topic) == (stored.id, "testing", "job-1", stored.topic)
    assert (found.created_at, found.service, found.trace) == (stored.created_at, stored.service, stored.trace)
    assert (found.attempts, found.lease, found.batch, found.last_error, found.dead_at) == (0, None, None, None, None)


def test_adding_nothing_stores_nothing(store):
    store.add([])
    assert store.stats().pending == 0


def test_rows_keep_the_order_in_which_they_were_added(store):
    rows = [row(number) for number in range(300)]
    store.add(rows[:200])
    store.add(rows[200:])
    assert ids(store.show(limit=1000)) == ids(rows)


def test_a_row_that_is_stored_already_is_left_alone(store):
    """A commit whose outcome is unknown is simply repeated."""
    rows = [row(1), row(2)]
    store.add(rows)
    store.add([*rows, row(3)])
    assert store.stats().pending == 3


def test_find_names_rows_by_event(store):
    rows = [row(number) for number in range(3)]
    store.add(rows)
    assert ids(store.find([rows[2].id, rows[0].id, uuid.uuid4()])) == [rows[0].id, rows[2].id]


def test_show_is_limited(store):
    store.add([row(number) for number in range(5)])
    assert len(store.show(limit=2)) == 2


def test_the_oldest_age_counts_from_the_event(store):
    store.add([row(0), row(500)])
    assert store.stats().oldest_age > 86_400


__all__ = [name for name in list(globals()) if name.startswith("test_")]
