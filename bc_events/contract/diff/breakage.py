"""Breakages: places where a writer's data may be what its reader refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bc_events.topics.plain import pointer

if TYPE_CHECKING:
    from .branch import Branch

Step = str | int
Way = tuple[tuple["Branch", Step], ...]
"""The branches of the writer around a place, from the outermost, each with the key or index that leads on."""


@dataclass(frozen=True, slots=True)
class Breakage:
    """One place. `values` are some that may show it. `key` is the one that an object at the place lacks."""

    rule: str
    way: Way
    message: str
    values: tuple[Any, ...] = ()
    key: str = ""

    @property
    def path(self) -> str:
        """The place as a JSON Pointer into the data, with `*` for any other key or item."""
        steps = [*(step for _, step in self.way), *([self.key] if self.key else [])]
        return pointer(steps)
