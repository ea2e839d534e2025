"""The references of a schema to its own parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

Steps = tuple[str | int, ...]

_ANCHORS: Final = frozenset({"$anchor", "$dynamicAnchor"})


class References:
    """Finds the parts of one schema to which its references lead.

    A part with an `$id` changes where references lead. Those of such a schema are left to the compiler.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._names: set[str] | None = None

    def target(self, reference: str) -> tuple[Steps, Any] | None:
        """The place and the part to which a JSON Pointer such as `#/$defs/Id` leads; None where it leads nowhere."""
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
        """Whether `target` can tell where a reference leads."""
        return isinstance(reference, str) and (reference == "#" or reference.startswith("#/")) and not self.has_names

    @property
    def has_names(self) -> bool:
        """Whether a part of the schema has a name of its own to which references may lead."""
        if self._names is None:
            self._names = set(_names_in(self._root))
        return bool(self._names)


def _names_in(root: Any) -> list[str]:
    is_oldest = isinstance(root, Mapping) and "draft-04" in str(root.get("$schema"))
    keywords = {"id" if is_oldest else "$id", *_ANCHORS}
    found: list[str] = []
    seen: set[int] = set()
    parts = [root]
    while parts:
        part = parts.pop()
        if not isinstance(part, Mapping | list) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Mapping):
            found += [part[key] for key in keywords if isinstance(part.get(key), str)]
        parts += part.values() if isinstance(part, Mapping) else part
    return found
