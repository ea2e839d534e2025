"""Floor: the `seq` below which no row waits, as far as a store knows. Its claims begin to search there.

PostgreSQL keeps deleted rows, and their entries in indexes, while any transaction has a snapshot from before. A search
from the front reads all of them.

The floor rises to the first row that waits, but never past a row that is not committed yet: it would be missed when it
is, and later events of its job would overtake it. So it only rises to a `seq` of which all below are decided.

- A transaction that inserts locks the table first, then gets a `seq` from the sequence, and keeps the lock to its end.
- So if a `seq` was given, every transaction that has it or a lower one had the lock by then. Those that still have the
  lock are listed after that, and once none of them has it any more, all those rows are committed or will never be.
- A transaction that is prepared for two-phase commit gets another name. So the floor waits for all of those.

What this does not know of is found by a sweep, which looks from the front again: dead letters that another process has
made ready, rows with a `seq` that was not given by the sequence, and a database that was restored.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from .claim_sql import LEAST_SEQ, first_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dialect import Dialect

    Run = Callable[..., list[tuple[Any, ...]]]

_BETWEEN_LOOKS: Final = 0.25
"""Seconds. Deleted rows of so long are read by each claim."""
_BETWEEN_SWEEPS: Final = 5.0
_MOST_BETWEEN_SWEEPS: Final = 60.0
_SWEEP_SHARE: Final = 0.02
"""The most of the time that sweeps take, until they would be too far apart."""
_PREPARED: Final = "-1/"
"""Such a name has a transaction without a session."""


class Floor:
    """One for each store. Threads share it.

    It stays at the least `seq` where the dialect has no `last_seq`, or where the user may not see that.
    """

    def __init__(self, dialect: Dialect, clock: Callable[[], float] = time.monotonic) -> None:
        self._dialect = dialect
        self._clock = clock
        self._lock = threading.Lock()
        self._seq = LEAST_SEQ
        self._given: int | None = None
        self._decided: int | None = None
        self._writers: frozenset[str] = frozenset()
        self._look_at = self._sweep_at = -float("inf")

    def sweep(self) -> None:
        """Makes the next claim look from the front."""
        self._sweep_at = self._look_at = -float("inf")

    def seq(self, run: Run) -> int:
        """Where a claim begins to search. `run` runs a statement in the claim's transaction, at READ COMMITTED."""
        if not self._dialect.last_seq or self._clock() < self._look_at or not self._lock.acquire(blocking=False):
            return self._seq
        try:
            self._look(run)
            return self._seq
        finally:
            self._lock.release()

    def _look(self, run: Run) -> None:
        started = self._clock()
        is_sweep = started >= self._sweep_at
        self._look_at, self._sweep_at = started + _BETWEEN_LOOKS, max(self._sweep_at, started)
        given = _value(run(self._dialect.last_seq))  # before the writers are listed
        writers = frozenset(name for (name,) in run(self._dialect.writers))
        if given is None or self._given is None or given < self._given:  # the first look, or a restored table
            self._given, self._decided, self._writers, self._seq = given, None, writers, LEAST_SEQ
            return
        if not writers & self._writers and not any(name.startswith(_PREPARED) for name in writers):
            self._decided, self._given, self._writers = self._given, given, writers
        if self._decided is not None:
            first = _value(run(first_live(LEAST_SEQ if is_sweep else self._seq)))
            self._seq = self._decided + 1 if first is None else min(first, self._decided + 1)
        if is_sweep:
            ended = self._clock()
            wait = max(_BETWEEN_SWEEPS, (ended - started) / _SWEEP_SHARE)
            self._sweep_at = ended + min(wait, _MOST_BETWEEN_SWEEPS)


def _value(found: list[tuple[Any, ...]]) -> int | None:
    value: int | None = found[0][0] if found else None
    return value
