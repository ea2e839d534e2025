"""Lines: what has become of the events of a job, from received events and from reports."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bc_events._delivery.wire import SUCCESS

from .job_line import JobLine, LineEvent
from .line_reader import LineReader
from .query import ACCEPTED, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .event_store import EventStore
    from .received_event import ReceivedEvent
    from .report_store import ReportStore
    from .request_log import RequestLog

_MOST: Final = 10_000
_LOST: Final = "its process has ended before its session did"


class Lines:
    """The line of each job. Threads share it."""

    def __init__(self, store: EventStore, reports: ReportStore, log: RequestLog) -> None:
        self._store = store
        self._reports = reports
        self._log = log

    def of(self, job_id: str) -> JobLine:
        """The line of a job, of which nothing may be known. It has the first 10,000 received events."""
        found, forgotten = self._reports.of_job(job_id)
        reader = LineReader(self._pid_of)
        # Requests of a relay are reported by another process than the events: `at` has the order of them all.
        for process, report in sorted(found, key=_when):
            reader.read(process, report)
        received = self._store.events(f"status:* {term('job', job_id)}", limit=_MOST)
        others = _paired(reader, received)
        events = [self._judged(reader, event) for event in reader.events.values()]
        sessions = sorted(reader.sessions.values(), key=lambda one: one.opened)
        line = sorted([*events, *reader.refused, *map(_unreported, others)], key=lambda one: one.at)
        lost = sum(self._lost(process) for process in {process for process, _ in found})
        requests = tuple(one for one in self._log if one.job_id == job_id)
        return JobLine(job_id, tuple(line), tuple(sessions), requests, lost + forgotten)

    def _judged(self, reader: LineReader, event: LineEvent) -> LineEvent:
        process = self._reports.process(reader.processes.get(event.event_id or "", ""))
        if event.state == "open" and process is not None and process.has_exited:
            return replace(event, state="lost", reason=_LOST)
        return event

    def _pid_of(self, process: str) -> int:
        known = self._reports.process(process)
        return 0 if known is None else known.pid

    def _lost(self, process: str) -> int:
        known = self._reports.process(process)
        return 0 if known is None else known.lost


def _when(item: tuple[str, dict[str, Any]]) -> int:
    at: int = item[1]["at"]
    return at


def _paired(reader: LineReader, received: Sequence[ReceivedEvent]) -> list[ReceivedEvent]:
    """Notes the reported events that have arrived. Returns the received events about which nothing was reported."""
    by_key: dict[str | None, list[ReceivedEvent]] = defaultdict(list)
    others: list[ReceivedEvent] = []
    for one in received:
        if one.status == ACCEPTED:
            by_key[one.idempotency_key].append(one)
        elif one.idempotency_key not in reader.keys:  # else its client tells of the refusal
            others.append(one)
    for key, arrived in by_key.items():
        ids = reader.keys.get(key or "", [])
        for event, one in _pairs(reader, ids, reader.results.get(key or ""), arrived):
            if event is None:
                others.append(one)
            else:
                reader.events[event] = _arrived(reader.events[event], one)
    return others


def _pairs(
    reader: LineReader, ids: Sequence[str], results: Sequence[str] | None, arrived: Sequence[ReceivedEvent]
) -> list[tuple[str | None, ReceivedEvent]]:
    """Which event of a request is which received one. Records that were refused are left out there, in order."""
    taken = [event for event, result in zip(ids, results or (), strict=False) if result == SUCCESS]
    for meant in (ids, taken):
        if len(meant) == len(arrived):
            return list(zip(meant, arrived, strict=True))
    left = list(ids)
    found: list[tuple[str | None, ReceivedEvent]] = []
    for one in arrived:
        place = next((at for at, event in enumerate(left) if _may_be(reader.events[event], one)), None)
        found.append((None if place is None else left[place], one))
        left = left if place is None else left[place + 1 :]
    return found


def _may_be(event: LineEvent, received: ReceivedEvent) -> bool:
    return event.topic in ("", received.topic) and event.raw in (None, received.raw.decode())


def _arrived(event: LineEvent, received: ReceivedEvent) -> LineEvent:
    return replace(
        event,
        state="arrived",
        reason="",
        topic=received.topic,
        actor=received.actor,
        seqs=(*event.seqs, received.seq),
        raw=received.raw.decode(),
    )


def _unreported(received: ReceivedEvent) -> LineEvent:
    event = _arrived(LineEvent(received.received, received.topic, "arrived"), received)
    if received.status == ACCEPTED:
        return event
    return replace(event, state="refused", reason=received.reason or "")
