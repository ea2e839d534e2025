"""The archive: what a store with a `keep` does with events that were delivered."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.rows import claimed, ids, row, rows_of

DAY = 86_400.0


def keeping(store, keep=90 * DAY) -> TableStore:
    """A store with an archive, on the same table."""
    return TableStore(store._database, keep=keep)


def send(store, rows) -> None:
    """Stores them. Claims all that is ready, and settles it as delivered."""
    store.add(rows)
    while claim := claimed(store):
        assert store.settle(claim.lease, Settlement(rows_of(claim))) == 0


def age(store, seconds: float, *ids_of) -> None:
    """Makes these archived rows so much older, or all."""
    store_sql = f"UPDATE bc_outbox_sent SET sent_at = sent_at - {seconds}"
    with store._database.transaction() as transaction:
        for one in ids_of or [None]:
            condition = "" if one is None else f" WHERE id = '{store._dialect.one(one)}'"
            transaction.run(f"{store_sql}{condition}")


def purge(store) -> int:
    """Purges all that is due. Returns how many transactions deleted something."""
    return sum(1 for _ in iter(store.purge_sent, False))


class Recorded:
    """A database that remembers the statements."""

    def __init__(self, database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.placeholder = database.placeholder
        self.statements: list[str] = []

    @contextmanager
    def transaction(self):
        with self._database.transaction() as opened:
            yield _RecordedTransaction(opened, self.statements)

    reading = transaction


class _RecordedTransaction:
    def __init__(self, opened, statements) -> None:
        self._opened = opened
        self._statements = statements

    def __getattr__(self, name):
        def work(sql, *arguments):
            self._statements.append(sql)
            return getattr(self._opened, name)(sql, *arguments)

        return work


def test_without_a_keep_nothing_is_archived_and_no_statement_is_added(store):
    recorded = Recorded(store._database)
    watched = TableStore(recorded)
    watched.add([row(1)])
    claim = claimed(watched)
    recorded.statements.clear()
    watched.settle(claim.lease, Settlement(rows_of(claim)))
    softly = ["SET"] if watched._dialect.commit_softly else []
    assert [sql.split()[0] for sql in recorded.statements] == [*softly, "DELETE"]
    recorded.statements.clear()
    assert not watched.purge_sent()
    assert recorded.statements == []
    assert store.history() == []


def test_a_delivered_event_moves_to_the_archive(store):
    kept = keeping(store)
    stored = row(1)
    kept.add([stored])
    claim = claimed(kept)
    kept.settle(claim.lease, Settlement([replace(rows_of(claim)[0], api_event_id="api-1")]))
    assert kept.stats().pending == 0
    (found,) = kept.history()
    assert (found.id, found.topic, found.category, found.job_id) == (stored.id, stored.topic, "testing", "job-1")
    assert (found.payload, found.created_at, found.service) == (stored.payload, stored.created_at, stored.service)
    assert (found.trace, found.idempotency_key, found.api_event_id) == (
        stored.trace,
        UUID(claim.requests[0].key),
        "api-1",
    )
    assert found.attempts == 1
    with store._database.transaction() as transaction:
        ((now,),) = transaction.run(f"SELECT {store._dialect.now}")
    assert 0 <= now - found.sent_at < 300


def test_attempts_count_the_failures_and_the_success(store):
    kept = keeping(store)
    kept.add([row(1)])
    claim = claimed(kept)
    kept.settle(claim.lease, Settlement([], [Failure(rows_of(claim)[0], "again", 0.0)]))
    send(kept, [])
    assert [found.attempts for found in kept.history()] == [2]


def test_only_delivered_events_are_archived(store):
    kept = keeping(store)
    kept.add([row(number) for number in range(3)])
    claim = claimed(kept)
    one, two, three = rows_of(claim)
    kept.settle(claim.lease, Settlement([one], [Failure(two, "no"), Failure(three, "again", 3600)]))
    assert [found.id for found in kept.history()] == [one.id]
    assert (kept.stats().dead, kept.stats().pending) == (1, 1)


def test_a_stale_lease_archives_nothing(store):
    """The other relay has these events, and archives them with its key."""
    kept = keeping(store)
    kept.add([row(1)])
    stale = claimed(kept, seconds=0)
    again = claimed(kept)
    assert kept.settle(stale.lease, Settlement(rows_of(stale))) == 1
    assert kept.history() == []
    assert kept.settle(again.lease, Settlement(rows_of(again))) == 0
    assert len(kept.history()) == 1


def test_a_settlement_that_fails_leaves_the_event_in_the_outbox_alone(store):
    """Both statements are one transaction."""
    kept = keeping(store)

    class Broken(Recorded):
        @contextmanager
        def transaction(self):
            with self._database.transaction() as opened:
                yield _RecordedTransaction(opened, self.statements)
                if any(sql.startswith("INSERT INTO bc_outbox_sent") for sql in self.statements):
                    raise RuntimeError("after the last statement")

    broken = TableStore(Broken(store._database), keep=DAY)
    broken.add([row(1)])
    claim = claimed(broken)
    with pytest.raises(RuntimeError, match="after the last"):
        broken.settle(claim.lease, Settlement(rows_of(claim)))
    assert kept.history() == []
    assert kept.stats().pending == 1


def test_history_has_the_newest_first_and_is_narrowed_by_job_topic_id_and_time(store):
    kept = keeping(store)
    rows = [replace(row(number, f"job-{number % 2}"), topic=f"testing.T{number % 3}") for number in range(6)]
    for number, one in enumerate(rows):
        send(kept, [one])
        age(kept, (6 - number) * DAY, one.id)
    found = kept.history()
    assert ids(found) == ids(reversed(rows))
    assert ids(kept.history(job_id="job-1")) == ids([rows[5], rows[3], rows[1]])
    assert ids(kept.history(topic="testing.T0")) == ids([rows[3], rows[0]])
    assert ids(kept.history(job_id="job-1", topic="testing.T0")) == ids([rows[3]])
    assert ids(kept.history(ids=[rows[1].id, rows[4].id])) == ids([rows[4], rows[1]])
    assert ids(kept.history(ids=[rows[1].id, rows[4].id], job_id="job-1")) == ids([rows[1]])
    assert ids(kept.history(since=found[2].sent_at)) == ids(found[:3])
    assert ids(kept.history(until=found[2].sent_at)) == ids(found[3:])
    assert ids(kept.history(job_id="job-1", since=found[2].sent_at, until=found[0].sent_at)) == ids([rows[3]])
    assert ids(kept.history(topic="testing.T0", until=found[2].sent_at)) == ids([rows[0]])
    assert ids(kept.history(limit=2)) == ids(found[:2])
    assert kept.history(job_id="job-%") == kept.history(job_id="") == kept.history(ids=[UUID(int=1)]) == []


def test_jobs_and_topics_that_differ_in_the_case_of_a_letter_have_different_histories(store):
    kept = keeping(store)
    send(kept, [replace(row(1, "Job"), topic="testing.A"), replace(row(2, "job"), topic="testing.a")])
    assert [found.job_id for found in kept.history(job_id="job")] == ["job"]
    assert [found.topic for found in kept.history(topic="testing.A")] == ["testing.A"]


def test_a_long_topic_is_cut_and_found_all_the_same(store):
    """Otherwise no index could have it, and a relay would send the event again and again."""
    kept = keeping(store)
    topic = f"testing.{'T' * 4_000}Created"
    send(kept, [replace(row(1), topic=topic)])
    (found,) = kept.history(topic=topic)
    assert found.topic == topic[:255]


def test_purge_deletes_what_is_older_than_the_keep_and_nothing_else(store):
    kept = keeping(store, 90 * DAY)
    old, young = row(1), row(2)
    send(kept, [old, young])
    age(kept, 91 * DAY, old.id)
    age(kept, 89 * DAY, young.id)
    waiting = row(3)
    kept.add([waiting])
    purge(kept)
    assert ids(kept.history()) == [young.id]
    assert ids(kept.show()) == [waiting.id]


def test_purge_deletes_a_bounded_number_of_rows_at_once(store):
    kept = keeping(store)
    for _ in range(5):
        send(kept, [row(number) for number in range(250)])
    age(kept, 91 * DAY)
    assert kept.purge_sent()
    assert len(kept.history(limit=10_000)) == 250
    purge(kept)
    assert kept.history() == []


def test_the_same_event_may_be_archived_twice(store):
    """A table that was made anew begins to count anew, and nothing may keep a delivered event from being settled."""
    kept = keeping(store)
    stored = row(1)
    send(kept, [stored])
    send(kept, [stored])
    assert ids(kept.history(ids=[stored.id])) == [stored.id] * 2


__all__ = [name for name in globals() if name.startswith("test_")]
