"""The ambient state: one ContextVar that holds the innermost open frame.

A frame is immutable and linked to the frame around it. Leaving puts back the frame around it by value, never by token:
tokens fail across tasks, in generators and in async fixtures (open-telemetry/opentelemetry-python#2606).
"""

from __future__ import annotations

import atexit
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context, get_current

from bc_events._runtime import forks, job_ids
from bc_events.errors import NoActiveSessionError, SessionClosedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bc_events._unit.unit_of_work import UnitOfWork
    from bc_events.session import EventSession

_current: Final[ContextVar[Frame | None]] = ContextVar("bc_events_frame", default=None)
innermost: Final = _current.get
"""The innermost frame here, whatever became of its session; None where there is none."""

_OUTLIVED: Final = (
    "the session this code was started in has ended; open a session of its own for work that outlives it, "
    "or start it with events.detached(fn)"
)


def _clear() -> None:
    """A forked child has no session, so no job id of one stands in its baggage either."""
    carried = _carried(chain())
    _Ambient(None, carried).restore()


forks.after_fork(_clear)


def _tell_never_left() -> None:
    """What the interpreter still holds at its end is not collected as long as anything can be logged."""
    for pending in {frame.unit.pending for frame in chain() if frame.unit is not None}:
        pending.tell_never_left()


atexit.register(_tell_never_left)


def live_unit() -> UnitOfWork:
    """The innermost unit of work here. One that has ended elsewhere too: it refuses what is published."""
    frame = _current.get()
    if frame is None or frame.unit is None:
        raise NoActiveSessionError
    return frame.unit


def current_session() -> EventSession:
    """The session that is live here. Raises `NoActiveSessionError`, or `SessionClosedError` where it has ended."""
    frame = _current.get()
    session = frame.session if frame is not None else None
    if session is None or session.unit.is_from_before_fork:
        raise NoActiveSessionError
    if session.is_closed:
        raise SessionClosedError(_OUTLIVED)
    return session


def current_job_id() -> str | None:
    """The live session's job id; None where no session is live. It never raises: logs may ask."""
    unit = unit_to_join()
    return unit.job_id if unit is not None else None


def unit_to_join() -> UnitOfWork | None:
    """The live unit of work; None where there is none, or where the innermost one has ended elsewhere."""
    frame = _current.get()
    unit = frame.unit if frame is not None else None
    if unit is None or unit.is_closed or unit.is_from_before_fork:
        return None
    return unit


class Frame:
    """One opening of a scope, entered by being made. A frame without a session hides the ones around it.

    The chain is never changed in place: leaving out of order links copies around the gap. All an opening keeps for
    itself is what was ambient outside and inside a generator when one of its steps began or ended.
    """

    __slots__ = ("_inside", "_original", "_outside", "baggage", "parent", "session", "unit")

    def __init__(self, session: EventSession | None, baggage: job_ids.Baggage | None = None) -> None:
        """`baggage` is what it put there."""
        self.session = session
        self.unit = session.unit if session is not None else None
        self.baggage = baggage
        self._original: Frame | None = None
        self.parent = _current.get()
        self._inside: _Ambient | None = None
        self._outside: _Ambient | None = None
        _current.set(self)

    @property
    def opening(self) -> Frame:
        """The frame that was opened, of which this one may be a copy over another parent."""
        return self._original or self

    def suspend(self) -> None:
        """A generator is about to yield: its frames and their baggage leave the ambient state."""
        frames = _down_to(self)
        carried = _carried(frames)
        self._inside = _Ambient.now(carried)
        self._outwards(frames, carried).restore()

    def resume(self) -> None:
        """Its next step begins: they are back, over whatever is ambient where the step is made."""
        if self._inside is not None:
            self._outside = _Ambient.now(self._inside.baggage)
            self._inside.restore()

    def leave(self) -> Context:
        """Takes this frame, and no other, out of the ambient state; returns the OpenTelemetry context it had."""
        context = get_current()
        top = _current.get()
        if self._outside is not None:
            frames = _down_to(self)
            self._outwards(frames, _carried(frames)).restore()
        elif top is not None and top.opening is self:
            _current.set(top.parent)
            if top.baggage is not None:
                top.baggage.restore(context)
        else:
            self._unlink()
        return context

    def _outwards(self, frames: Sequence[Frame], carried: Mapping[str, object]) -> _Ambient:
        """What was ambient when the step began that ends now, without these frames and the baggage they carry."""
        if self._outside is not None:
            return _Ambient(self._outside.frame, {**carried, **self._outside.baggage})
        return _Ambient(frames[-1].parent if frames else _current.get(), carried)

    def _unlink(self) -> None:
        frames = _down_to(self)
        if not frames:
            return  # left in another task than it was entered in: nothing of it is ambient here
        left = frames.pop()
        below, baggage = left.parent, left.baggage
        for frame in reversed(frames):
            takes_over = baggage is not None and frame.baggage is not None and frame.baggage.key == baggage.key
            below = frame._over(below, baggage if takes_over else frame.baggage)
            baggage = None if takes_over else baggage
        _current.set(below)
        if baggage is not None:
            baggage.restore(get_current())

    def _over(self, parent: Frame | None, baggage: job_ids.Baggage | None) -> Frame:
        copy = Frame.__new__(Frame)
        copy.session, copy.unit, copy._original = self.session, self.unit, self.opening
        copy.parent, copy.baggage = parent, baggage
        copy._inside = copy._outside = None
        return copy


class _Ambient:
    """A frame and some baggage entries, to be put back by value."""

    __slots__ = ("baggage", "frame")

    def __init__(self, frame: Frame | None, baggage: Mapping[str, object]) -> None:
        self.frame = frame
        self.baggage = baggage

    @classmethod
    def now(cls, keys: Iterable[str]) -> _Ambient:
        return cls(_current.get(), {key: job_ids.read_baggage(key) for key in keys})

    def restore(self) -> None:
        _current.set(self.frame)
        for key, value in self.baggage.items():
            job_ids.write_baggage(key, value)


def chain() -> Iterator[Frame]:
    """The frames here, innermost first."""
    frame = _current.get()
    while frame is not None:
        yield frame
        frame = frame.parent


def baggage_keys() -> set[str]:
    """The baggage keys under which the sessions here have their job ids, or had found them."""
    return {frame.unit.client.baggage_key for frame in chain() if frame.unit is not None}


def _down_to(opening: Frame) -> list[Frame]:
    """The frames from the innermost to that opening's; none where it is not among them."""
    frames: list[Frame] = []
    for frame in chain():
        frames.append(frame)
        if frame.opening is opening:
            return frames
    return []


def _carried(frames: Iterable[Frame]) -> dict[str, object]:
    """The baggage keys that these frames, innermost first, wrote, each with its value before all of them."""
    return {frame.baggage.key: frame.baggage.outer for frame in frames if frame.baggage is not None}
