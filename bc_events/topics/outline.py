"""The outline of a YAML text: its depth, its size and its repeated keys. It is read before any value is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from bc_events.errors import Problem, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH: Final = 200
MAX_SIZE: Final = 100_000
"""The most values in a file after its aliases are expanded; or ten times as many as it contains, if that is more."""
_TEXT: Final = 100
"""So many characters of a long text count as one value."""
_GROWTH: Final = 10
_MERGE: Final = "<<"
"""The key of a merge, if it is not quoted. A mapping may have several: PyYAML applies all of them."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read. `size` counts the values in it, those behind aliases included."""

    anchor: str | None
    keys: set[str] | None
    size: int = 1
    is_key_next: bool = field(default=True)


def problems_in_outline(events: Iterable[Any]) -> list[Problem]:
    """A problem for each key that a mapping has twice. Raises `yaml.MarkedYAMLError` for a text that could do harm.

    A text that is too deep overflows the stack of the C parser. Aliases of aliases expand a short text to gigabytes.
    """
    outline = _Outline()
    for event in events:
        outline.add(event)
    return outline.problems


class _Outline:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._sizes: dict[str, int | None] = {}
        self._texts: dict[str, str | None] = {}
        self._written = 0

    def add(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._start(event, set() if kind is yaml.MappingStartEvent else None)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)

    def _scalar(self, event: Any) -> None:
        size = 1 + len(event.value) // _TEXT
        self._written += size
        text = None if event.value == _MERGE and event.implicit[0] else event.value
        if event.anchor:
            self._sizes[event.anchor], self._texts[event.anchor] = size, text
        self._key(event, text)
        self._grow(event, size)

    def _key(self, event: Any, text: str | None) -> None:
        """Notes a key of a mapping. None is the key of a merge, which may be repeated."""
        keys = self._open[-1].keys if self._open and self._open[-1].is_key_next else None
        if keys is None or text is None:
            return
        if text in keys:
            found = f"{printable(text)} is given twice; keep one"
            self.problems.append(Problem(event.start_mark.line + 1, found))
        keys.add(text)

    def _start(self, event: Any, keys: set[str] | None) -> None:
        self._written += 1
        if len(self._open) == MAX_DEPTH:
            raise _refused(event, f"more than {MAX_DEPTH} levels deep")
        if event.anchor:
            self._sizes[event.anchor] = None
            self._texts.pop(event.anchor, None)
        self._open.append(_Open(event.anchor, keys))

    def _end(self, event: Any) -> None:
        closed = self._open.pop()
        if closed.anchor:
            self._sizes[closed.anchor] = closed.size
        self._grow(event, closed.size)

    def _alias(self, event: Any) -> None:
        size = self._sizes.get(event.anchor, 1)
        if size is None:
            raise _refused(event, f"*{printable(event.anchor)} stands within what it refers to")
        if event.anchor in self._texts:
            self._key(event, self._texts[event.anchor])
        self._grow(event, size)

    def _grow(self, event: Any, size: int) -> None:
        if not self._open:
            return
        around = self._open[-1]
        around.size += size
        around.is_key_next = not around.is_key_next
        if around.size > max(MAX_SIZE, _GROWTH * self._written):
            raise _refused(event, "aliases make it too large; write fewer of them")


def _refused(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
