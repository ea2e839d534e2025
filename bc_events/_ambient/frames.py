"""The ambient state: one ContextVar that holds the innermost open frame.

Each frame is one opening of a scope, linked to the frame around it, its `parent`. Leaving a frame makes its parent the
innermost one. No token of the ContextVar is used for that: tokens fail across tasks, in generators and in async
fixtures (open-telemetry/opentelemetry-python#2606).
"""

from __future__ import annotations

import atexit
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context, get_current

from bc_events._runtime import forks, job_ids
from bc_events.errors import NoActiveSessionError, SessionClosedError
from bc_events.session import EventSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bc_events._unit.unit_of_work import UnitOfWork

_current: Final[ContextVar[Frame | None]] = ContextVar("bc_events_frame", default=None)
innermost: Final = _current.get
"""The innermost frame here, also if its session has ended; None where there is none."""

_OUTLIVED: Final = (
    "the session in which this code was started has ended; open a new session for work that outlives it, "
    "or start the work with events.detached(fn)"
)


def _clear() -> None:
    """A forked child has no session. So its baggage gets back the values from before its parent's sessions."""
    _AmbientState(None, _baggage_outside(chain())).restore()


forks.after_fork(_clear)


def _tell_never_left() -> None:
    """Warns of scopes that are still open when the process ends. Later, when they are collected, logging is gone."""
    for pending in {frame.unit.pending for frame in chain() if frame.unit is not None}:
        pending.tell_never_left()


atexit.register(_tell_never_left)


def live_unit() -> UnitOfWork:
    """The innermost unit of work here, also if it has ended elsewhere: publishing to it raises then.

    Raises `NoActiveSessionError` where there is none.
    """
    frame = _current.get()
    if frame is None or frame.unit is None:
        raise NoActiveSessionError
    return frame.unit


def current_session() -> EventSession:
    """The session that is live here. Raises `NoActiveSessionError`, or `SessionClosedError` where it has ended."""
    frame = _current.get()
    if frame is None or frame.unit is None or frame.unit.is_from_before_fork:
        raise NoActiveSessionError
    if frame.unit.is_closed:
        raise SessionClosedError(_OUTLIVED)
    return frame.session


def current_job_id() -> str | None:
    """The live session's job id; None where no session is live. It never raises, so log handlers may call it."""
    unit = unit_to_join()
    return unit.job_id if unit is not None else None


def unit_to_join() -> UnitOfWork | None:
    """The live unit of work; None where there is none, or where the innermost one has ended elsewhere."""
    frame = _current.get()
    unit = frame.unit if frame is not None else None
    if unit is None or unit.is_closed or unit.born is not forks.generation:
        return None
    return unit


class Frame:
    """One opening of a scope. Making it enters it. A frame without a session hides the frames around it.

    Contexts of several tasks may share a chain of frames, so its links never change. A frame that is left out of order
    is bypassed: the frames within it are replaced by copies with other parents (`_unlink`).

    The frame of a decorated generator is ambient only while the generator runs. So it also remembers two ambient
    states: `_inside`, that of the generator when it last yielded; and `_outside`, that of the caller when it last
    resumed the generator. During the first step `_outside` is None, because the caller's frame is then the `parent`.
    """

    __slots__ = ("_inside", "_original", "_outside", "_session", "baggage", "parent", "unit")

    def __init__(
        self, unit: UnitOfWork | None, baggage: job_ids.Baggage | None = None, session: EventSession | None = None
    ) -> None:
        """`baggage` is the entry that the scope has put into OpenTelemetry baggage."""
        self.unit: UnitOfWork | None = unit
        self.baggage: job_ids.Baggage | None = baggage
        self._session = session
        self._original: Frame | None = None
        self.parent: Frame | None = _current.get()
        self._inside: _AmbientState | None = None
        self._outside: _AmbientState | None = None
        _current.set(self)

    @property
    def session(self) -> EventSession:
        """The session of its unit, made when it is first needed: a decorated call needs none."""
        session = self._session
        if session is None:
            assert self.unit is not None  # noqa: S101  the caller has looked
            session = self._session = EventSession.of(self.unit)
        return session

    @property
    def opening(self) -> Frame:
        """The frame that was opened, where this one is a copy of it; else this one."""
        return self._original or self

    def suspend(self) -> None:
        """Before a generator yields: its caller gets its own ambient state back.

        The frame remembers the ambient state of the generator, with the scopes that are still open in it.
        """
        frames = _down_to(self)
        self._inside = _AmbientState.now(_baggage_outside(frames))
        self._state_outside(frames).restore()

    def resume(self) -> None:
        """After a generator's yield: it gets back what was ambient in it, also if another task resumes it."""
        if self._inside is not None:
            self._outside = _AmbientState.now(self._inside.baggage)
            self._inside.restore()

    def leave(self) -> Context:
        """Takes this frame, and no other, out of the ambient state; returns the OpenTelemetry context it had."""
        context = get_current()
        top = _current.get()
        if self._outside is not None:  # in a generator, which another caller may have resumed
            self._state_outside(_down_to(self)).restore()
        elif top is not None and (top is self or top.opening is self):
            _current.set(top.parent)
            if top.baggage is not None:
                top.baggage.restore(context)
        else:
            self._unlink()
        return context

    def _state_outside(self, frames: Sequence[Frame]) -> _AmbientState:
        """The ambient state outside a generator. `frames` are those inside it, this one last; none in another task."""
        baggage = _baggage_outside(frames)
        if self._outside is not None:
            return _AmbientState(self._outside.frame, {**baggage, **self._outside.baggage})
        return _AmbientState(frames[-1].parent if frames else _current.get(), baggage)

    def _unlink(self) -> None:
        """Leaves this frame out of order: replaces the frames within it by copies around its parent."""
        frames = _down_to(self)
        if not frames:
            return  # it was entered in another task, and is not ambient in this one
        left = frames.pop()
        below, baggage = left.parent, left.baggage
        for frame in reversed(frames):
            # The next inner frame with the same key puts back, when it is left, the value from before both of them.
            takes_over = baggage is not None and frame.baggage is not None and frame.baggage.key == baggage.key
            below = frame._over(below, baggage if takes_over else frame.baggage)
            baggage = None if takes_over else baggage
        _current.set(below)
        if baggage is not None:
            baggage.restore(get_current())

    def _over(self, parent: Frame | None, baggage: job_ids.Baggage | None) -> Frame:
        """A copy of the frame, with another parent."""
        copy = Frame.__new__(Frame)
        copy.unit, copy._session, copy._original = self.unit, self._session, self.opening
        copy.parent, copy.baggage = parent, baggage
        copy._inside = copy._outside = None
        return copy


class _AmbientState:
    """An innermost frame, and the values of some baggage keys, that can be restored."""

    __slots__ = ("baggage", "frame")

    def __init__(self, frame: Frame | None, baggage: Mapping[str, object]) -> None:
        self.frame = frame
        self.baggage = baggage

    @classmethod
    def now(cls, keys: Iterable[str]) -> _AmbientState:
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
    """The baggage keys that the clients of the sessions here use for job ids."""
    return {frame.unit.client.baggage_key for frame in chain() if frame.unit is not None}


def _down_to(opening: Frame) -> list[Frame]:
    """The frames from the innermost one to that of `opening`; none if that is not ambient here."""
    frames: list[Frame] = []
    for frame in chain():
        frames.append(frame)
        if frame.opening is opening:
            return frames
    return []


def _baggage_outside(frames: Iterable[Frame]) -> dict[str, object]:
    """The baggage keys that these frames, innermost first, have written, each with its value before all of them."""
    return {frame.baggage.key: frame.baggage.outer for frame in frames if frame.baggage is not None}
