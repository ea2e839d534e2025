"""ReportStore: the latest reports, by job, and the processes that sent them. In memory, and bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bc_events._runtime import argument_checks as check

from .unsent import Unsent, unsent_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .report import Batch, Report

MOST_REPORTS: Final = 100_000
_MOST_BYTES: Final = 100_000_000
_MOST_PROCESSES: Final = 1_000
_MOST_UNSENT: Final = 1_000
_OF_A_REPORT: Final = 500
"""Bytes that a report takes at least."""


@dataclass(slots=True)
class ReportedProcess:
    """A process that has reported. `lost` counts reports that did not come."""

    pid: int
    lost: int = 0
    has_exited: bool = False


@dataclass(slots=True)
class JobReports:
    """The reports about one job in the order of receipt, each with the id of its process. `forgotten` were deleted."""

    reports: deque[tuple[str, Report]] = field(default_factory=deque)
    forgotten: int = 0


class ReportStore:
    """Threads share it. `on_unsent` is called with whatever was not sent."""

    def __init__(self, on_unsent: Callable[[Unsent], object] | None = None) -> None:
        if on_unsent is not None:
            check.function("on_unsent", on_unsent, example="a function that takes an Unsent")
        self._lock = threading.Lock()
        self._on_unsent = on_unsent
        self._jobs: OrderedDict[str, JobReports] = OrderedDict()
        self._processes: OrderedDict[str, ReportedProcess] = OrderedDict()
        self._unsent: deque[Unsent] = deque(maxlen=_MOST_UNSENT)
        self._count = self._size = 0

    def add(self, batch: Batch) -> None:
        now = datetime.now(UTC)
        unsent = [found for report in batch.reports if (found := unsent_of(report, now)) is not None]
        with self._lock:
            process = self._processes.setdefault(batch.process, ReportedProcess(batch.pid))
            process.lost, process.has_exited = max(process.lost, batch.lost), process.has_exited or batch.has_exited
            self._processes.move_to_end(batch.process)
            for report in batch.reports:
                self._keep(batch.process, report)
            self._unsent.extend(unsent)
            self._make_room()
        if self._on_unsent is not None:
            for one in unsent:
                self._on_unsent(one)

    def _keep(self, process: str, report: Report) -> None:
        of_job = self._jobs.setdefault(report["job"], JobReports())
        self._jobs.move_to_end(report["job"])
        of_job.reports.append((process, report))
        self._count += 1
        self._size += _size(report)

    def _make_room(self) -> None:
        """Forgets the oldest reports of the job that was quiet for longest."""
        while self._count > MOST_REPORTS or self._size > _MOST_BYTES:
            job_id, of_job = next(iter(self._jobs.items()))
            _, report = of_job.reports.popleft()
            of_job.forgotten += 1
            self._count -= 1
            self._size -= _size(report)
            if not of_job.reports:
                del self._jobs[job_id]
        while len(self._processes) > _MOST_PROCESSES:
            self._processes.popitem(last=False)

    def of_job(self, job_id: str) -> tuple[list[tuple[str, Report]], int]:
        """The reports about a job, each with the id of its process; and how many others were forgotten."""
        with self._lock:
            found = self._jobs.get(job_id)
            return ([], 0) if found is None else (list(found.reports), found.forgotten)

    def process(self, process: str) -> ReportedProcess | None:
        with self._lock:
            return self._processes.get(process)

    def unsent(self, limit: int = _MOST_UNSENT) -> list[Unsent]:
        """The latest that was not sent, newest first."""
        with self._lock:
            return list(self._unsent)[: -limit - 1 : -1] if limit else []

    def clear(self) -> None:
        with self._lock:
            self._jobs.clear()
            self._processes.clear()
            self._unsent.clear()
            self._count = self._size = 0


def _size(report: Report) -> int:
    return _OF_A_REPORT + len(report.get("data") or "") + 100 * len(report.get("events", ()))
