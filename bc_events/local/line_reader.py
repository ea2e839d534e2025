"""LineReader: reads reports one by one, and says what has become of each session and event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from bc_events._delivery.wire import SUCCESS
from bc_events.errors import InvalidActorError, Violation
from bc_events.event import Actor

from .job_line import LineEvent, LineRequest, LineSession
from .unsent import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .report import Report

WAITING: Final = "its work has succeeded; the Events API does not have it yet"
OPEN: Final = "its session, or the database transaction that holds it, is still open"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class LineReader:
    """`events` are by their ids, `refused` have none; `keys` has the events of each request, in their order."""

    def __init__(self, pid_of: Callable[[str], int]) -> None:
        self._pid_of = pid_of
        self.sessions: dict[str, LineSession] = {}
        self.events: dict[str, LineEvent] = {}
        self.processes: dict[str, str] = {}
        """The process that published an event."""
        self.refused: list[LineEvent] = []
        self.keys: dict[str, list[str]] = {}
        self.results: dict[str, list[str]] = {}
        self._readers: Mapping[str, Callable[[str, Report, datetime], None]] = {
            "opened": self._opened,
            "ended": self._ended,
            "published": self._published,
            "refused": self._refused,
            "rolled back": self._rolled_back,
            "confirmed": self._confirmed,
            "posting": self._posting,
            "answered": self._answered,
            "undelivered": self._given_up,
            "dead": self._given_up,
        }

    def read(self, process: str, report: Report) -> None:
        moment = _EPOCH + timedelta(microseconds=min(report["at"] // 1000, 10**17))
        self._readers[report["kind"]](process, report, moment)

    def _opened(self, process: str, report: Report, moment: datetime) -> None:
        name = _session(process, report["session"])
        parent = None if report["parent"] is None else _session(process, report["parent"])
        pid, actor = self._pid_of(process), _actor(report["actor"])
        self.sessions[name] = LineSession(name, report["service"], pid, moment, parent, actor)

    def _ended(self, process: str, report: Report, moment: datetime) -> None:
        name = _session(process, report["session"])
        known = self.sessions.get(name)
        if known is not None and known.ended is None:
            self.sessions[name] = replace(known, ended=moment, exception=report["exception"])

    def _published(self, process: str, report: Report, moment: datetime) -> None:
        known = self.events.get(report["event"])
        told = {
            "at": moment,
            "topic": report["topic"],
            "service": report["service"],
            "actor": _actor(report["actor"]),
            "session": _session(process, report["session"]),
            "raw": report["data"],
        }
        self.processes[report["event"]] = process
        self.events[report["event"]] = (
            LineEvent(state="open", reason=OPEN, event_id=report["event"], **told)
            if known is None
            else replace(known, **told)
        )

    def _refused(self, process: str, report: Report, moment: datetime) -> None:
        broken = tuple(Violation(one["path"], one["rule"], one["message"]) for one in report["violations"])
        session, reason = _session(process, report["session"]), report["reason"] or "; ".join(map(str, broken))
        self.refused.append(
            LineEvent(moment, report["topic"], "refused", reason, report["service"], session=session, violations=broken)
        )

    def _rolled_back(self, process: str, report: Report, moment: datetime) -> None:
        by = None if report["session"] is None else _session(process, report["session"])
        told: dict[str, Any] = {"exception": report["exception"], "rolled_back_by": by}
        self._note(report, moment, state="rolled back", reason=reason_of(report), **told)

    def _confirmed(self, _process: str, report: Report, moment: datetime) -> None:
        self._note(report, moment, state="waiting", reason=WAITING)

    def _posting(self, _process: str, report: Report, moment: datetime) -> None:
        key = report["key"]
        request = LineRequest(moment, key, is_retry=key in self.keys)
        self.keys[key] = report["events"]
        for event in self._known(report, moment):
            self.events[event] = replace(self.events[event], requests=(*self.events[event].requests, request))

    def _answered(self, _process: str, report: Report, moment: datetime) -> None:
        """The latest request with this key has its answer."""
        results = report["results"]
        if results is not None:
            self.results[report["key"]] = results
        for place, event in enumerate(self._known(report, moment)):
            known = self.events[event]
            *earlier, latest = known.requests or (LineRequest(moment, report["key"]),)
            latest = replace(latest, status=report["status"], reason=report["reason"] or "")
            self.events[event] = known = replace(known, requests=(*earlier, latest))
            if results is not None and place < len(results):
                self._take_result(event, results[place])

    def _take_result(self, event: str, result: str) -> None:
        known = self.events[event]
        if result == SUCCESS:
            self.events[event] = replace(known, state="arrived", reason="")
        else:
            *earlier, latest = known.requests
            self.events[event] = replace(known, requests=(*earlier, replace(latest, reason=result)))

    def _given_up(self, _process: str, report: Report, moment: datetime) -> None:
        state: Literal["undelivered", "dead"] = report["kind"]
        self._note(report, moment, state=state, reason=reason_of(report))

    def _note(self, report: Report, moment: datetime, **told: Any) -> None:
        for event in self._known(report, moment):
            if self.events[event].state != "arrived":
                self.events[event] = replace(self.events[event], **told)

    def _known(self, report: Report, moment: datetime) -> list[str]:
        """The events of a report. The one that tells of an event first may have been lost."""
        topics = report.get("topics", ())
        for event in report["events"]:
            if event not in self.events:
                topic = topics[0] if len(topics) == 1 else ""
                self.events[event] = LineEvent(moment, topic, "waiting", WAITING, report.get("service"), event_id=event)
        known: list[str] = report["events"]
        return known


def _session(process: str, number: int) -> str:
    return f"{process}-{number}"


def _actor(told: Mapping[str, Any] | None) -> Actor | None:
    try:
        return None if told is None else Actor(told["id"], told["type"])
    except InvalidActorError:
        return None
