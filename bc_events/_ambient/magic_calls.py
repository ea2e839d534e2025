"""Magic calls: one publisher for each name. It looks up the live unit of work when it is called."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime import suggestions
from bc_events._unit.magic_call import NO_DATA, not_one_mapping
from bc_events.errors import NoActiveSessionError

from .frames import innermost

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bc_events.event import Event

_MODULE: Final = "bc_events.events"


def publisher(name: str, names_of_module: Collection[str]) -> Callable[[Mapping[str, Any]], Event]:
    """The publisher of a magic name.

    A name that is close to one of the module's, such as `current_sesion`, is probably misspelt. Then the error about an
    unknown topic suggests the module's name.
    """
    is_suspect = suggestions.meant(name, names_of_module) is not None
    return _suspicious(name, names_of_module) if is_suspect else _publisher(name)


def _publisher(name: str) -> Callable[[Mapping[str, Any]], Event]:
    def publish(data: Mapping[str, Any] = NO_DATA, **properties: Any) -> Event:
        if data is NO_DATA or properties:
            raise not_one_mapping(name)
        frame = innermost()
        if frame is None or frame.unit is None:
            raise NoActiveSessionError
        unit = frame.unit
        return unit.record(unit.magic_names.get(name) or unit.resolve(name), data)

    publish.__name__ = publish.__qualname__ = name
    publish.__module__ = _MODULE
    publish.__doc__ = f"Publishes the event that answers to {name}, on the live session."
    return publish


def _suspicious(name: str, names_of_module: Collection[str]) -> Callable[[Mapping[str, Any]], Event]:
    publish = _publisher(name)

    @functools.wraps(publish)
    def publish_or_explain(*arguments: Any, **keywords: Any) -> Event:
        frame = innermost()
        unit = None if frame is None else frame.unit
        if unit is None or name not in unit.magic_names:
            suggestions.refuse_mistyped(name, names_of_module, owner="events")
        return publish(*arguments, **keywords)

    return publish_or_explain
