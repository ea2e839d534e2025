"""In the order of jobs: the rows that a claim may take, so that no event overtakes another of its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bc_events.outbox._store.row import Row

SHARE: Final = 50
"""Rows after which a claim leaves other jobs to other workers."""


def in_order(rows: Sequence[Row], all_of_jobs: Iterable[tuple[int, str, bool]]) -> list[Row]:
    """Of each job, the rows before the first one that was not found: another claim may have locked that meanwhile.

    A batch counts as one, at the place of its first row. It goes ahead of ready rows that lie between its own rows:
    there may be more of them than a claim has room for. But if a row between has to wait, the whole job waits for it.

    `all_of_jobs` are all rows of these jobs, up to the last one found: `seq`, job, and whether it is ready.
    """
    found = {row.seq for row in rows}
    others = [(seq, job_id, is_ready) for seq, job_id, is_ready in all_of_jobs if seq not in found]
    first_other = _first_of_each_job((seq, job_id) for seq, job_id, _ in others)
    first_waiting = _first_of_each_job((seq, job_id) for seq, job_id, is_ready in others if not is_ready)
    places: dict[object, int] = {}
    for row in rows:
        places.setdefault(row.batch or row.seq, row.seq)
    placed = [(places[row.batch or row.seq], row) for row in rows]
    held_up = {
        row.job_id
        for place, row in placed
        if row.job_id in first_waiting and place < first_waiting[row.job_id] < row.seq
    }
    return [row for place, row in placed if row.job_id not in held_up and place <= first_other.get(row.job_id, place)]


def _first_of_each_job(rows: Iterable[tuple[int, str]]) -> dict[str, int]:
    first: dict[str, int] = {}
    for seq, job_id in rows:
        first[job_id] = min(seq, first.get(job_id, seq))
    return first


def share(rows: Iterable[Row]) -> Iterator[Row]:
    """Whole jobs, until a claim has its share."""
    jobs: dict[str, list[Row]] = {}
    for row in rows:
        jobs.setdefault(row.job_id, []).append(row)
    taken = 0
    for of_job in jobs.values():
        if taken >= SHARE:
            return
        yield from of_job
        taken += len(of_job)
