"""One side of a comparison: the schema of the writer of events, or that of their reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from bc_events.topics.keywords import DATA, NAMED_SCHEMAS
from bc_events.topics.references import References

from .branch import Branch, Parts, Schema, matches, unsure_keywords
from .json_types import is_in, kind_of, kinds_in, kinds_of, values_of

Role = Literal["writer", "reader"]
_JOINING: Final = frozenset({"$ref", "allOf"})
_REFERENCE_ALONE: Final = ("draft-04", "draft-06", "draft-07")
_MOST_BRANCHES: Final = 64
_ONLY: Final[dict[str, tuple[Any, ...]]] = {"null": (None,), "boolean": (False, True)}
"""Types with few values."""


class Side:
    """A schema in its role. With `is_lenient`, writers send declared keys alone, and readers pass over unknown ones."""

    def __init__(self, schema: Schema, role: Role, *, is_lenient: bool) -> None:
        self.schema = schema
        self.role = role
        self.is_lenient = is_lenient
        self.is_open: bool = is_lenient and role == "reader"
        self._references = References(schema)
        draft = str(schema.get("$schema", "")) if isinstance(schema, Mapping) else ""
        self._is_reference_alone = any(name in draft for name in _REFERENCE_ALONE)
        self._without: dict[tuple[int, str], Mapping[str, Any]] = {}
        self._branches: dict[tuple[int, ...], list[Branch]] = {}
        self._texts: dict[tuple[int, ...], tuple[Parts, str]] = {}

    def joined(self, parts: Parts) -> tuple[Mapping[str, Any], ...] | None:
        """All mappings that hold for the same value; None if nothing can satisfy them."""
        seen: set[int] = set()
        found: list[Mapping[str, Any]] = []
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
                target = self._references.target(reference) if self._references.is_pointer(reference) else None
                if target is None:
                    found.append(self._alone(part, "$ref"))
                else:
                    waiting.append(target[1])
                if self._is_reference_alone:
                    continue
            waiting += reversed(part.get("allOf") or [])
            if part.keys() - _JOINING:
                found.append(part)
        return tuple(found)

    def branches(self, parts: Parts) -> list[Branch]:
        """A branch for each JSON type and each option that the parts allow."""
        joined = self.joined(parts)
        if joined is None:
            return []
        key = tuple(sorted(map(id, joined)))
        if key not in self._branches:
            self._branches[key] = self._read(joined)
        return self._branches[key]

    def _read(self, parts: tuple[Mapping[str, Any], ...]) -> list[Branch]:
        for part in parts:
            for keyword in ("anyOf", "oneOf"):
                options = part.get(keyword)
                if isinstance(options, list):
                    around = tuple(self.stripped(one, keyword) if one is part else one for one in parts)
                    return self._chosen(around, keyword, options)
        values = values_of(parts)
        branches = []
        for kind in kinds_of(parts):
            own = _ONLY.get(kind, values)
            kept = None if own is None else tuple(one for one in own if values is None or is_in(one, values))
            if kept is not None:
                kept = tuple(one for one in kept if kind_of(one) in kinds_in(kind))
            if kept != ():
                unsure = tuple(
                    self._alone(part, name)
                    for part in parts
                    for name in unsure_keywords(kind)
                    if self._counts(part, name)
                )
                branches.append(Branch(kind, parts, kept, unsure))
        return branches

    def _counts(self, part: Mapping[str, Any], name: str) -> bool:
        """Whether a part has a keyword. An open side passes over unknown keys, whichever keyword refuses them."""
        return name in part and not (self.is_open and name == "unevaluatedProperties" and part[name] is False)

    def _chosen(self, around: tuple[Mapping[str, Any], ...], keyword: str, options: list[Schema]) -> list[Branch]:
        found = [self.branches((*around, option)) for option in options[:_MOST_BRANCHES]]
        flat = [branch for of_option in found for branch in of_option][:_MOST_BRANCHES]
        is_exact = keyword == "anyOf" or all(
            self.are_apart(one, other)
            for position, of_one in enumerate(found)
            for of_other in found[position + 1 :]
            for one in of_one
            for other in of_other
        )
        if is_exact:
            return flat
        mark = {"oneOf": options}
        return [Branch(branch.kind, branch.parts, branch.values, (*branch.unsure, mark)) for branch in flat]

    def are_apart(self, one: Branch, other: Branch, depth: int = 3) -> bool:
        """Whether no value is in both branches, as far as types, values and required keys tell."""
        if not kinds_in(one.kind) & kinds_in(other.kind):
            return True
        if one.values is not None and other.values is not None:
            return not any(is_in(value, other.values) for value in one.values)
        if one.kind != "object" or depth == 0:
            return False
        return any(
            all(
                self.are_apart(mine, theirs, depth - 1)
                for mine in self.branches(_child(one, name, is_open=False))
                for theirs in self.branches(_child(other, name, is_open=False))
            )
            for name in one.required | other.required
        )

    def child(self, branch: Branch, name: str) -> Parts:
        """The schemas of one key of an object. `(False,)` where it can have no value."""
        found = _child(branch, name, is_open=self.is_open)
        return found if self._may_have(branch, name) else (False,)

    def others(self, branch: Branch) -> Parts:
        """The schemas of keys that are neither declared nor match a pattern."""
        found = [part["additionalProperties"] for part in branch.parts if "additionalProperties" in part]
        found = [schema for schema in found if schema is not False] if self.is_open else found
        return tuple(found) if self._may_have(branch, None) else (False,)

    def _may_have(self, branch: Branch, name: str | None) -> bool:
        """Whether a lenient writer sends a key: one that is declared, or any where none is."""
        if not self.is_lenient or self.role == "reader" or not branch.names or name in branch.names:
            return True
        if name in branch.required or any(isinstance(one, Mapping) for one in branch.each("additionalProperties")):
            return True
        return name is not None and any(matches(pattern, name) for pattern in branch.patterns)

    def stripped(self, part: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
        """A schema without one keyword: always the same object, as its id stands for it."""
        key = (id(part), keyword)
        if key not in self._without:
            self._without[key] = {name: value for name, value in part.items() if name != keyword}
        return self._without[key]

    def _alone(self, part: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
        """A schema with one keyword only, and what belongs to it: always the same object."""
        key = (id(part), f"{keyword} alone")
        if key not in self._without:
            together = ("if", "then", "else") if keyword == "if" else (keyword,)
            self._without[key] = {name: part[name] for name in together if name in part}
        return self._without[key]

    def text(self, parts: Parts) -> str:
        """The parts as text, with references replaced by what they lead to. Equal texts mean equal schemas."""
        key = tuple(map(id, parts))
        if key not in self._texts:
            written = sorted(json.dumps(self._expanded(part, ()), sort_keys=True, default=str) for part in parts)
            self._texts[key] = (parts, "\n".join(written))  # the parts are kept, because an id may be used again
        return self._texts[key][1]

    def _expanded(self, part: Any, within: tuple[str, ...]) -> Any:
        if isinstance(part, list):
            return [self._expanded(item, within) for item in part]
        if not isinstance(part, Mapping):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str) and self._references.is_pointer(reference):
            target = self._references.target(reference)
            rest = {} if self._is_reference_alone else {name: part[name] for name in part if name != "$ref"}
            if target is not None and reference in within:
                return {"again": len(within) - within.index(reference), **self._expanded(rest, within)}
            if target is not None:
                return [self._expanded(target[1], (*within, reference)), self._expanded(rest, within)]
        return {
            name: value
            if name in DATA
            else {key: self._expanded(item, within) for key, item in value.items()}
            if name in NAMED_SCHEMAS and isinstance(value, Mapping)
            else self._expanded(value, within)
            for name, value in part.items()
            if name not in _UNSAID
        }


_UNSAID: Final = frozenset(
    {"title", "description", "$comment", "examples", "default", "$defs", "definitions", "$schema"}
)
"""Keywords that change no verdict."""


def _child(branch: Branch, name: str, *, is_open: bool) -> Parts:
    """The schemas of one key of an object. If it is open, no key is refused because it is unknown."""
    found: list[Schema] = []
    for part in branch.parts:
        patterns = part.get("patternProperties") or {}
        own = [part["properties"][name]] if name in (part.get("properties") or {}) else []
        own += [schema for pattern, schema in patterns.items() if matches(pattern, name)]
        if not own and "additionalProperties" in part and not (is_open and part["additionalProperties"] is False):
            own = [part["additionalProperties"]]
        found += own
    return tuple(found)
