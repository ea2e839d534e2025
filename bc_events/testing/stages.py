"""Stage: how far an event has come. Record: the stages of all captured events."""

from __future__ import annotations

import threading
from enum import Enum
from typing import TYPE_CHECKING, Any

from bc_events._delivery.wire import taken
from bc_events.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bc_events._delivery.observers import Rollback
    from bc_events._delivery.request import Request
    from bc_events._delivery.wire import Answer
    from bc_events.errors import InvalidEventError, Undelivered
    from bc_events.event import Origin


class Stage(Enum):
    """How far an event has come. The value is the reason why it has come no further."""

    RECORDED = "published, but its scope is still open or its transaction has not committed"
    DROPPED = "published, but rolled back"
    CONFIRMED = "confirmed: its work has succeeded; the Events API does not have it yet"
    SENT = "sent: the Events API has taken it"


class Record:
    """An observer that remembers the stage of each event, in the order of publishing. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[Event, Stage] = {}

    def published(self, event: Event) -> None:
        self._note([event], Stage.RECORDED)

    def refused(self, error: InvalidEventError, origin: Origin) -> None:
        """Does nothing: the call that published it has raised."""

    def dropped(self, events: Sequence[Event], rollback: Rollback) -> None:  # noqa: ARG002  others use it
        self._note(events, Stage.DROPPED)

    def confirmed(self, events: Sequence[Event]) -> None:
        self._note(events, Stage.CONFIRMED)

    def sent(self, events: Sequence[Any]) -> None:
        self._note([event for event in events if isinstance(event, Event)], Stage.SENT)

    def attempted(self, size: int, *, is_retry: bool) -> None:
        """Does nothing: only the outcome counts."""

    def posting(self, url: str, request: Request[Any]) -> None:
        """Does nothing, as `attempted`."""

    def answered(self, url: str, request: Request[Any], answer: Answer) -> None:  # noqa: ARG002  others use it
        self.sent(taken(request, answer))

    def settled(self, delivered: int, undelivered: Sequence[Undelivered]) -> None:
        """Does nothing, as `answered`."""

    def undelivered(self, undelivered: Sequence[Undelivered]) -> None:
        """Does nothing: they stay confirmed."""

    def dead(self, url: str, row: Any, reason: str) -> None:
        """Does nothing: a row is no event."""

    def _note(self, events: Iterable[Event], stage: Stage) -> None:
        with self._lock:
            self._stages.update(dict.fromkeys(events, stage))

    def stages(self) -> Mapping[Event, Stage]:
        """A copy, in the order of publishing."""
        with self._lock:
            return dict(self._stages)

    def clear(self) -> None:
        with self._lock:
            self._stages.clear()
