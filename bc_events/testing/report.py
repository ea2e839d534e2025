"""What a failed claim about events says: what was wanted, what came closest, and everything that was captured."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, Final

from .wanted import Wanted, as_json, equals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bc_events.event import Event

    from .stages import Stage

_MOST_LISTED: Final = 20


def not_once(name: str, wanted: Wanted, times: int, named: Mapping[Event, Stage], stages: frozenset[Stage]) -> str:
    """Why `name` was not published exactly once; `named` are the events of that name, in any stage."""
    if times > 1:
        return (
            f"{name} was published {times} times, not once; name properties that tell them apart, "
            "narrow with for_job(…) or by(…), or count with len(captured_events.of(…))"
        )
    for event, stage in named.items():
        if wanted.is_met_by(event.data):
            return f"{name} was {stage.value}"
    candidates = [event for event, stage in named.items() if stage in stages] or list(named)
    if not candidates:
        return f"{name} was not published"
    closest = min(candidates, key=lambda event: wanted.faults_in(event.data))
    return f"{name} was not published with these properties; the closest was:\n{_difference(wanted, closest.data)}"


def not_nothing(name: str | None, times: int) -> str:
    return f"{name or 'something'} was published {times} {'time' if times == 1 else 'times'}, where nothing should be"


def listing(stages: Mapping[Event, Stage]) -> str:
    """One line for each captured event."""
    if not stages:
        return "\nno event was captured"
    lines = [f"  {stage.name.lower():<10}{event}  {_text(event.data)}" for event, stage in stages.items()]
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"  … and {len(lines) - _MOST_LISTED} more"]
    return "\n".join(["", f"captured events ({len(stages)}):", *lines])


def _difference(wanted: Wanted, data: Mapping[str, Any]) -> str:
    """Line by line, over the wanted properties: `-` is wanted, `+` was published."""
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
