"""Objects written as classes that are a `TypedDict`."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from .docstring import agreed, docstring
from .literals import quoted, quoted_type
from .type_text import BUILTINS, MODULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from .shape import ObjectKey, ObjectShape
    from .type_text import TypeText


class ObjectText:
    """Writes objects with their types. `names` are those of all classes of the module."""

    def __init__(self, types: TypeText, names: Collection[str]) -> None:
        self._types = types
        self._hidden = {*names, *MODULES, *BUILTINS}

    def lines(self, name: str, equals: Sequence[ObjectShape]) -> Iterator[str]:
        """The class of equal objects. A description is kept if they agree on it."""
        keys = equals[0].keys
        base = self._types.name("TypedDict")
        if not all(map(self._can_stand_in_a_class, keys)):
            yield f"{name} = {base}({quoted(name)}, {{"
            yield from (
                f"    {quoted(key)}: {quoted_type(self._type(of_key, is_folded=False))},"
                for key, of_key in keys.items()
            )
            yield "})"
            return
        yield f"class {name}({base}):"
        described = agreed(shape.description for shape in equals)
        yield from _indented(docstring(described) if described else [])
        for key, of_key in keys.items():
            yield from _indented(f"{key}: {self._type(of_key)}".split("\n"))
            of_all = agreed(shape.keys[key].description for shape in equals)
            yield from _indented(docstring(of_all) if of_all else [])
        if not keys and not described:
            yield "    pass"

    def _type(self, key: ObjectKey, *, is_folded: bool = True) -> str:
        written = self._types.of(key.shape, is_folded=is_folded)
        return written if key.is_required else f"{self._types.name('NotRequired')}[{written}]"

    def _can_stand_in_a_class(self, key: str) -> bool:
        """There a key hides the type of the same name, and one that begins with two underscores is renamed."""
        return (
            key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("__") and key not in self._hidden
        )


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
