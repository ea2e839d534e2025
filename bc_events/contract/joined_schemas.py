"""The schemas that hold for the same value: those of `allOf`, and a `$ref` with the keywords beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bc_events.topics.references import References

Schema = Mapping[str, Any] | bool
Parts = tuple[Schema, ...]

_JOINING: Final = frozenset({"$ref", "allOf"})
"""Keywords that only say which other schemas hold."""
_REFERENCE_ALONE: Final = ("draft-04", "draft-06", "draft-07")
"""Drafts in which a `$ref` replaces the keywords beside it."""


class HeldTogether(NamedTuple):
    """`parts` all hold. `words` are the last words of the references that led to them."""

    parts: tuple[Mapping[str, Any], ...]
    words: tuple[str, ...]


class JoinedSchemas:
    """Joins the parts of one schema. A part is told by its id, so what is made of one is always the same object."""

    def __init__(self, root: Schema) -> None:
        self.references: References = References(root)
        draft = str(root.get("$schema", "")) if isinstance(root, Mapping) else ""
        self.is_reference_alone: bool = any(name in draft for name in _REFERENCE_ALONE)
        self._made: dict[tuple[int, tuple[str, ...], bool], Mapping[str, Any]] = {}

    def of(self, parts: Parts) -> HeldTogether | None:
        """All mappings that hold; None if nothing can satisfy them. A reference that leads nowhere holds as it is."""
        seen: set[int] = set()
        found: list[Mapping[str, Any]] = []
        words: list[str] = []
        waiting = list(reversed(parts))
        while waiting:
            part = waiting.pop()
            if part is False:
                return None
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            reference = part.get("$ref")
            if isinstance(reference, str):
                target = self.references.target(reference) if self.references.is_pointer(reference) else None
                if target is None:
                    found.append(self.alone(part, "$ref"))
                else:
                    waiting.append(target[1])
                    words += map(str, target[0][-1:])
                if self.is_reference_alone:
                    continue
            waiting += reversed(part.get("allOf") or [])
            if part.keys() - _JOINING:
                found.append(part)
        return HeldTogether(tuple(found), tuple(filter(None, words)))

    def without(self, part: Mapping[str, Any], *keywords: str) -> Mapping[str, Any]:
        """A part without some keywords."""
        return self._of_part(part, keywords, has_them=False)

    def alone(self, part: Mapping[str, Any], *keywords: str) -> Mapping[str, Any]:
        """A part with these keywords only."""
        return self._of_part(part, keywords, has_them=True)

    def _of_part(self, part: Mapping[str, Any], keywords: tuple[str, ...], *, has_them: bool) -> Mapping[str, Any]:
        key = (id(part), keywords, has_them)
        if key not in self._made:
            self._made[key] = {name: value for name, value in part.items() if (name in keywords) is has_them}
        return self._made[key]
