"""Programs: random sequences of steps of up to two lanes (threads or tasks) that open scopes and transactions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hypothesis import HealthCheck, settings, strategies as st

MAIN, CHILD = 0, 1


class Verb(Enum):
    NOTHING = "nothing"
    PUBLISH = "publish"
    OPEN = "open a scope"
    BEGIN = "begin a transaction, or a savepoint where one is open"
    BEGIN_FLAT = "begin a block that has no savepoint of its own"
    SAVEPOINT = "open a low-level savepoint"
    LEAVE = "leave the innermost block"
    FLUSH = "flush by hand"
    ROLLBACK = "roll back by hand"


class BlockExit(Enum):
    WELL = "well"
    FAILED = "with an exception, or a rollback"
    FORGOTTEN = "a low-level savepoint is neither released nor rolled back"


@dataclass(frozen=True, slots=True)
class Step:
    """`database` names one of two databases, or one of two database sessions; `writes` is False if it is only read."""

    verb: Verb
    lane: int = MAIN
    job: str | None = None
    database: str = "default"
    writes: bool = True
    block_exit: BlockExit = BlockExit.WELL

    def __repr__(self) -> str:
        given = {Verb.OPEN: self.job, Verb.LEAVE: self.block_exit.value}.get(self.verb)
        if self.verb in (Verb.BEGIN, Verb.BEGIN_FLAT, Verb.SAVEPOINT):
            given = self.database if self.writes else f"{self.database}, only read"
        return f"{'main' if self.lane == MAIN else 'child'}: {self.verb.value}" + (f" ({given})" if given else "")


def _steps(lane: int) -> list[Step]:
    return [
        *[Step(Verb.PUBLISH, lane)] * 14,
        *[Step(Verb.OPEN, lane)] * 3,
        *(Step(Verb.OPEN, lane, job) for job in ("job-1", "job-2")),
        *[Step(Verb.BEGIN, lane)] * 4,
        *(Step(Verb.BEGIN, lane, database="other"),) * 2,
        Step(Verb.BEGIN, lane, writes=False),
        Step(Verb.BEGIN, lane, database="other", writes=False),
        Step(Verb.BEGIN_FLAT, lane),
        *[Step(Verb.SAVEPOINT, lane)] * 2,
        *[Step(Verb.LEAVE, lane)] * 6,
        *[Step(Verb.LEAVE, lane, block_exit=BlockExit.FAILED)] * 5,
        Step(Verb.LEAVE, lane, block_exit=BlockExit.FORGOTTEN),
        *[Step(Verb.FLUSH, lane)] * 2,
        *[Step(Verb.ROLLBACK, lane)] * 2,
    ]


_OPENINGS = [[Step(Verb.OPEN)], [Step(Verb.OPEN), Step(Verb.BEGIN)], [Step(Verb.BEGIN), Step(Verb.OPEN)]]
_NOTHING = Step(Verb.NOTHING)

# Long programs, which hypothesis shrinks by putting nothing where a step was.
programs = st.tuples(
    st.sampled_from(_OPENINGS),
    st.lists(st.sampled_from([_NOTHING, *_steps(MAIN), *_steps(MAIN), *_steps(CHILD)]), min_size=30, max_size=50),
).map(lambda drawn: [*drawn[0], *(step for step in drawn[1] if step is not _NOTHING)])

# The settings of the suite. The programs are the same ones each time; `python -m tests.transactions` tries others.
model = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
