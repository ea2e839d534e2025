"""The message of a failed assertion: the wanted event, the closest one, and all captured events."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from bc_events.errors import counted

from .wanted import Wanted, as_json, equals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bc_events.event import Event

    from .stages import Stage

_MOST_LISTED: Final = 20
_MOST_ORIGINS: Final = 5


def not_once(subject: str, wanted: Wanted, times: int, named: Mapping[Event, Stage], stages: frozenset[Stage]) -> str:
    """Why `subject` was not published exactly once; `named` are the events of its name, job and actor, in any stage."""
    if times > 1:
        return (
            f"{subject} was published {times} times, not once; name properties that tell them apart, "
            "narrow with for_job(…) or by(…), or count with len(captured_events.of(…))"
        )
    for event, stage in named.items():
        if wanted.is_met_by(event.data):
            return f"{subject} was {stage.value}"
    candidates = [event for event, stage in named.items() if stage in stages] or list(named)
    if not candidates:
        return f"{subject} was not published"
    closest = min(candidates, key=lambda event: wanted.faults_in(event.data))
    return f"{subject} was not published with these properties; the closest was:\n{_difference(wanted, closest.data)}"


def not_nothing(subject: str, times: int) -> str:
    return f"{subject} was published {counted(times, 'time')}, where nothing should be"


def listing(stages: Mapping[Event, Stage], *, with_origins: bool) -> str:
    """One line for each captured event; `with_origins` says its job and actor too."""
    if not stages:
        return "\nno event was captured"
    lines = [
        f"  {stage.name.lower():<10}{event}  {_origin(event) + '  ' if with_origins else ''}{_text(event.data)}"
        for event, stage in stages.items()
    ]
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"  … and {len(lines) - _MOST_LISTED} more"]
    return "\n".join(["", f"captured events ({len(stages)}):", *lines])


def origins(events: Iterable[Event]) -> str:
    """How many events came from which job and actor."""
    seen = Counter(_origin(event) for event in events)
    if not seen:
        return "; no event was captured"
    shown = [f"{counted(times, 'event')} {origin}" for origin, times in seen.most_common(_MOST_ORIGINS)]
    more = [f"{len(seen) - len(shown)} more"] if len(seen) > len(shown) else []
    return f"; captured: {', '.join([*shown, *more])}"


def _origin(event: Event) -> str:
    return f"of job {event.job_id} by {event.actor.type} {event.actor.id}"


def _difference(wanted: Wanted, data: Mapping[str, Any]) -> str:
    """A diff of the wanted properties: `-` is wanted, `+` was published."""
    expected, found = {}, {}
    for name, value in wanted.properties.items():
        is_met = name in data and equals(value, data[name])
        expected[name] = data[name] if is_met else as_json(value)
        if name in data:
            found[name] = data[name]
    lines = difflib.ndiff(_text(expected, indent=2).splitlines(), _text(found, indent=2).splitlines())
    return "\n".join(f"  {line.rstrip()}" for line in lines if not line.startswith("?"))


def _text(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, default=repr)
