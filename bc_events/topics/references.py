"""References from a schema to parts of the same schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

Steps = tuple[str | int, ...]

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class References:
    """Finds the parts of one schema that its references point to.

    An `$id` in a part changes the meaning of the references in it. Such a schema is left to the compiler.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._named: list[tuple[str, Any]] | None = None

    def target(self, reference: str) -> tuple[Steps, Any] | None:
        """The place and the part that a JSON Pointer such as `#/$defs/Id` points to; None where no such part exists."""
        steps: Steps = ()
        part = self._root
        for word in unquote(reference[1:]).split("/")[1:]:
            key = word.replace("~1", "/").replace("~0", "~")
            if isinstance(part, Mapping) and key in part:
                step: str | int = key
                part = part[key]
            elif isinstance(part, list) and key.isdecimal() and int(key[:9]) < len(part):
                step = int(key[:9])
                part = part[step]
            else:
                return None
            steps = (*steps, step)
        return steps, part

    def is_pointer(self, reference: object) -> bool:
        """Whether `target` can resolve this reference."""
        return (
            isinstance(reference, str) and (reference == "#" or reference.startswith("#/")) and not self._has_inner_id
        )

    @property
    def has_names(self) -> bool:
        """Whether the schema or a part of it has a name that references may use."""
        return bool(self._names)

    @property
    def _has_inner_id(self) -> bool:
        return any(keyword not in _ANCHORS and part is not self._root for keyword, part in self._names)

    @property
    def _names(self) -> list[tuple[str, Any]]:
        if self._named is None:
            self._named = _names_in(self._root)
        return self._named


def _names_in(root: Any) -> list[tuple[str, Any]]:
    """Each keyword that gives a part a name, with that part."""
    is_oldest = isinstance(root, Mapping) and "draft-04" in str(root.get("$schema"))
    keywords = ("id" if is_oldest else "$id", *_ANCHORS)
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()
    parts = [root]
    while parts:
        part = parts.pop()
        if id(part) in seen or not isinstance(
            part, dict | list | Mapping
        ):  # dict is tested first, because most parts are dicts
            continue
        seen.add(id(part))
        if isinstance(part, list):
            parts += [item for item in part if type(item) not in _SCALARS]
            continue
        found += [(keyword, part) for keyword in keywords if keyword in part and isinstance(part[keyword], str)]
        parts += [item for item in part.values() if type(item) not in _SCALARS]
    return found
