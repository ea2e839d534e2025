"""CapturedEvents: the published events as a test sees them, and assertions about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, overload

from bc_events._runtime import argument_checks as check, suggestions

from . import report
from .names import answers_to, check_name
from .stages import Record, Stage
from .wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bc_events.event import Event

_SURE: Final = frozenset({Stage.CONFIRMED, Stage.SENT})
_POSSIBLE: Final = _SURE | {Stage.RECORDED}

_OF_ONE_NAME: Final = 'events of one name are of("{}")'


class CapturedEvents(Sequence["Event"]):
    """The captured events that nothing can take back any more, in the order in which they were published.

    It is live: what happens later is seen too. `recorded`, `dropped`, `confirmed` and `sent` look at other stages;
    `of`, `for_job` and `by` narrow.
    """

    def __init__(
        self,
        record: Record,
        *,
        stages: frozenset[Stage] = _SURE,
        ruled_out: frozenset[Stage] = _POSSIBLE,
        is_wanted: Callable[[Event], bool] = lambda _: True,
        origin: str = "",
    ) -> None:
        """`stages` are those it shows; `ruled_out` those in which `assert_nothing_published` accepts no event.

        `origin` says in messages to which jobs and actors `is_wanted` narrows, such as " by ada-lovelace".
        """
        self._record = record
        self._stages = stages
        self._ruled_out = ruled_out
        self._is_wanted = is_wanted
        self._origin = origin

    @property
    def recorded(self) -> CapturedEvents:
        """All published events, also those that were dropped or are still pending."""
        return self._at(*Stage)

    @property
    def dropped(self) -> CapturedEvents:
        """The events that were rolled back."""
        return self._at(Stage.DROPPED)

    @property
    def confirmed(self) -> CapturedEvents:
        """The events that nothing can take back: their scope and their transaction, if any, have succeeded."""
        return self._at(Stage.CONFIRMED, Stage.SENT)

    @property
    def sent(self) -> CapturedEvents:
        """The events that the Events API, or its stand-in, has taken."""
        return self._at(Stage.SENT)

    def _at(self, *stages: Stage) -> CapturedEvents:
        chosen = frozenset(stages)
        return CapturedEvents(
            self._record, stages=chosen, ruled_out=chosen, is_wanted=self._is_wanted, origin=self._origin
        )

    def of(self, name: str, data: Mapping[str, Any] | None = None, /, **properties: Any) -> CapturedEvents:
        """The events of one topic that have these properties. `name` is a magic name or the full name."""
        check_name(name, self._record.stages())
        wanted = Wanted.of(data, properties)
        return self._those(lambda event: answers_to(event, name) and wanted.is_met_by(event.data))

    def for_job(self, job_id: str) -> CapturedEvents:
        """The events of one job."""
        check.instance("job_id", job_id, str, example="the job id of the events as text")
        return self._those(lambda event: event.job_id == job_id, origin=f" of job {job_id}")

    def by(self, actor_id: str) -> CapturedEvents:
        """The events of one user, service or third party."""
        check.instance("actor_id", actor_id, str, example="the id of an actor as text")
        return self._those(lambda event: event.actor.id == actor_id, origin=f" by {actor_id}")

    def _those(self, is_wanted: Callable[[Event], bool], *, origin: str = "") -> CapturedEvents:
        return CapturedEvents(
            self._record,
            stages=self._stages,
            ruled_out=self._ruled_out,
            is_wanted=lambda event: self._is_wanted(event) and is_wanted(event),
            origin=self._origin + origin,
        )

    def assert_published(self, name: str, data: Mapping[str, Any] | None = None, /, **properties: Any) -> Event:
        """Asserts that exactly one event has this name and at least these properties, and returns it.

        A property is compared as JSON has it, so a UUID equals its text; `unittest.mock.ANY` equals everything.
        """
        __tracebackhide__ = True
        found = self.of(name, data, **properties)
        if len(found) == 1:
            return found[0]
        raise AssertionError(self._complaint(name, Wanted.of(data, properties), len(found)))

    def _complaint(self, name: str, wanted: Wanted, times: int) -> str:
        stages = self._record.stages()
        named = {event: stage for event, stage in stages.items() if self._is_wanted(event) and answers_to(event, name)}
        return report.not_once(name + self._origin, wanted, times, named, self._stages) + self._listing()

    def _listing(self) -> str:
        return report.listing(self._record.stages(), with_origins=bool(self._origin))

    def assert_nothing_published(
        self, name: str | None = None, data: Mapping[str, Any] | None = None, /, **properties: Any
    ) -> None:
        """Asserts that no event, or none with this name and these properties, was published.

        Events that were rolled back do not count.
        """
        __tracebackhide__ = True
        view = self if name is None else self.of(name, data, **properties)
        found = view._in(self._ruled_out)
        if found:
            subject = (name or "something") + self._origin
            raise AssertionError(report.not_nothing(subject, len(found)) + self._listing())

    def as_dicts(self) -> list[dict[str, Any]]:
        """Each event as plain values, for snapshots. Ids and times are those of `deterministic_events`, or random."""
        return [
            {
                "topic": event.topic.name,
                "data": event.data,
                "actor": {"id": event.actor.id, "type": event.actor.type},
                "job_id": event.job_id,
                "id": str(event.id),
                "time": event.time.isoformat(),
            }
            for event in self
        ]

    def clear(self) -> None:
        """Forgets all events captured so far, in every view."""
        self._record.clear()

    if not TYPE_CHECKING:  # type checkers find the mistake themselves

        def __getattr__(self, name: str) -> Any:
            right = None if name.startswith("_") else suggestions.meant(name, dir(CapturedEvents))
            is_check = name.startswith("assert")
            advice = "it has assert_published and assert_nothing_published" if is_check else _OF_ONE_NAME.format(name)
            advice = f"did you mean {right}?" if right else advice
            raise AttributeError(f"CapturedEvents has no {name}; {advice}", name=name)

    def _in(self, stages: frozenset[Stage]) -> list[Event]:
        return [event for event, stage in self._record.stages().items() if stage in stages and self._is_wanted(event)]

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        found = self._in(self._stages)
        if isinstance(index, int) and not -len(found) <= index < len(found):
            raise IndexError(f"there is no event {index} in {self!r}")
        return found[index]

    def __contains__(self, event: object) -> bool:
        if isinstance(event, str):  # a name is never in it, so such a test would always pass
            raise TypeError(f'"in" looks for an Event; for a name, ask captured_events.of("{event}")')
        return event in self._in(self._stages)

    def __len__(self) -> int:
        return len(self._in(self._stages))

    def __iter__(self) -> Iterator[Event]:
        return iter(self._in(self._stages))

    def __eq__(self, other: object) -> bool:
        """Whether these are the same events, in the same order, as those of a list, a tuple or another view."""
        if isinstance(other, Sequence) and not isinstance(other, str | bytes):
            return list(self) == list(other)
        return NotImplemented

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # it is live: what it equals changes

    def __repr__(self) -> str:
        found = self._in(self._stages)
        seen = report.origins(self._record.stages()) if self._origin and not found else ""
        return f"<CapturedEvents{self._origin} {found!r}{seen}>"
