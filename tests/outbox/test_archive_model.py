"""Random programs of publishing, settling, ageing, purging and looking, against a model of outbox and archive."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given, settings, strategies as st

from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.conformance.archive import DAY, age, purge
from tests.outbox.rows import claimed, ids, row, rows_of

KEEP = 90
JOBS, TOPICS = ["job-0", "job-1"], ["testing.A", "testing.B"]

publish = st.tuples(st.just("publish"), st.sampled_from(JOBS), st.sampled_from(TOPICS), st.integers(1, 4))
settle = st.tuples(st.just("settle"), st.sampled_from(["delivered", "again", "dead"]), st.booleans(), st.integers(1, 3))
wait = st.tuples(st.just("wait"), st.integers(1, 60), st.none(), st.none())
look = st.tuples(st.just("look"), st.sampled_from([*JOBS, None]), st.sampled_from([*TOPICS, None]), st.integers(1, 9))
others = st.sampled_from(["purge", "replay", "late"]).map(lambda name: (name, None, None, None))
programs = st.lists(st.one_of(publish, settle, settle, wait, look, others), max_size=40)


@dataclass
class Model:
    """What is where: ids that wait, that are dead, and that were sent, with their age in days."""

    waiting: list = field(default_factory=list)
    dead: list = field(default_factory=list)
    sent: dict = field(default_factory=dict)
    events: dict = field(default_factory=dict)
    attempts: dict = field(default_factory=dict)

    def history(self, job, topic) -> set:
        """The ids that an unlimited history has."""
        return {
            one
            for one in self.sent
            if job in (None, self.events[one].job_id) and topic in (None, self.events[one].topic)
        }


class Program:
    def __init__(self, store) -> None:
        self.store = store
        self.model = Model()
        self.stale = None

    def publish(self, job, topic, count) -> None:
        rows = [replace(row(number, job), topic=topic) for number in range(count)]
        self.store.add(rows)
        self.model.waiting += ids(rows)
        self.model.events |= {one.id: one for one in rows}

    def settle(self, result, is_remembered, limit) -> None:
        claim = claimed(self.store, limit=limit)
        if claim is None:
            assert not self.model.waiting
            return
        rows = rows_of(claim)
        first, rest = rows[:1], rows[1:]
        failed = {"again": [Failure(one, "again", 0.0) for one in first], "dead": [Failure(one, "no") for one in first]}
        delivered = [*rest, *(first if result == "delivered" else [])]
        assert self.store.settle(claim.lease, Settlement(delivered, failed.get(result, []))) == 0
        for one in ids(delivered):
            self.model.waiting.remove(one)
            self.model.sent[one] = 0
        for failure in failed.get(result, []):
            self.model.attempts[failure.row.id] = self.model.attempts.get(failure.row.id, 0) + 1
            if result == "dead":
                self.model.waiting.remove(failure.row.id)
                self.model.dead.append(failure.row.id)
        if is_remembered:
            self.stale = claim

    def late(self, *_) -> None:
        """A relay that comes too late settles nothing."""
        if self.stale is not None:
            rows = rows_of(self.stale)
            assert self.store.settle(self.stale.lease, Settlement(rows)) == len(rows)

    def wait(self, days, *_) -> None:
        age(self.store, days * DAY)
        self.model.sent = {one: days + before for one, before in self.model.sent.items()}

    def purge(self, *_) -> None:
        purge(self.store)
        self.model.sent = {one: days for one, days in self.model.sent.items() if days < KEEP}

    def replay(self, *_) -> None:
        assert self.store.replay() == len(self.model.dead)
        for one in self.model.dead:
            self.model.attempts[one] = 0
        self.model.waiting += self.model.dead
        self.model.dead = []

    def look(self, job, topic, limit) -> None:
        expected = self.model.history(job, topic)
        found = self.store.history(job_id=job, topic=topic, limit=1_000)
        assert sorted(ids(found)) == sorted(expected)
        moments = [one.sent_at for one in found]
        assert moments == sorted(moments, reverse=True)
        assert self.store.history(job_id=job, topic=topic, limit=limit) == found[:limit]
        for one in found:
            assert one.payload == self.model.events[one.id].payload
            assert one.attempts == self.model.attempts.get(one.id, 0) + 1

    def check(self) -> None:
        """Each event is in exactly one place."""
        assert sorted(ids(self.store.show(limit=1_000))) == sorted(self.model.waiting)
        assert sorted(ids(self.store.show(dead=True, limit=1_000))) == sorted(self.model.dead)
        self.look(None, None, 5)


@given(programs)
@settings(max_examples=60, deadline=None)
def test_every_event_is_where_the_model_has_it(steps):
    with tempfile.TemporaryDirectory(prefix="archive") as folder:
        outbox = SQLiteOutbox(Path(folder, "events.db"), relay=False, keep=f"{KEEP}d")
        with closing(outbox.store) as store:
            program = Program(store)
            for name, *arguments in steps:
                getattr(program, name)(*arguments)
                program.check()
