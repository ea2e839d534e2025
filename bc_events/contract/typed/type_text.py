"""Shapes written as types of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .literals import literal
from .shape import ANYTHING, ListShape, LiteralShape, MapShape, NamedShape, ObjectShape, TupleShape, UnionShape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .shape import Shape

MODULES: Final = {
    "Any": "typing",
    "Literal": "typing",
    "Never": "typing",
    "NotRequired": "typing",
    "TypeAlias": "typing",
    "TypedDict": "typing",
    "Mapping": "collections.abc",
    "Sequence": "collections.abc",
    "UUID": "uuid",
    "Decimal": "decimal",
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "Event": "bc_events.event",
    "EventSession": "bc_events.session",
}
"""Each name that a generated module may import, and from where."""
BUILTINS: Final = frozenset({"bool", "float", "int", "list", "str", "tuple"})
_WIDTH: Final = 90
_TEXTS: Final = (NamedShape("str"), ANYTHING)


class TypeText:
    """Writes types. `used` has the names that they need imported."""

    def __init__(self, names: Mapping[ObjectShape, str]) -> None:
        self._names = names
        self.used: set[str] = set()

    def of(self, shape: Shape, *, is_folded: bool = False) -> str:
        """The type of a shape; `is_folded`, it may take several lines where it has many values."""
        match shape:
            case NamedShape(name):
                return self.name(name)
            case LiteralShape(values):
                return self._literal([literal(value) for _, value in values], is_folded=is_folded)
            case ListShape(item):
                return f"{self._list(item)}[{self.of(item, is_folded=is_folded)}]"
            case TupleShape(items):
                return f"tuple[{', '.join(map(self.of, items))}] | list[{self.of(UnionShape(items))}]"
            case MapShape(value):
                return f"{self.name('Mapping')}[str, {self.of(value, is_folded=is_folded)}]"
            case UnionShape(options):
                return " | ".join(dict.fromkeys(self.of(option, is_folded=is_folded) for option in options))
            case ObjectShape():
                return self._names[shape]

    def name(self, name: str) -> str:
        """A name, which is imported if it must be."""
        if name in MODULES:
            self.used.add(name)
        return name

    def _list(self, item: Shape) -> str:
        """A `Sequence` takes a list of a narrower type, which `list` does not; but it would take text for texts."""
        options = item.options if isinstance(item, UnionShape) else (item,)
        return "list" if any(option in _TEXTS for option in options) else self.name("Sequence")

    def _literal(self, values: list[str], *, is_folded: bool) -> str:
        written = ", ".join(values)
        if is_folded and len(written) > _WIDTH:
            written = "".join(f"\n    {value}," for value in values) + "\n"
        return f"{self.name('Literal')}[{written}]"
