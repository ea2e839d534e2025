"""One side of a comparison: the schema of the writer of events, or that of their reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from bc_events.contract.joined_schemas import JoinedSchemas, Parts, Schema
from bc_events.topics.keywords import DATA, NAMED_SCHEMAS

from .branch import Branch, matches, unsure_keywords
from .json_types import is_in, kind_of, kinds_in, kinds_of, values_of

Role = Literal["writer", "reader"]
_MOST_BRANCHES: Final = 64
_TOGETHER: Final = {"if": ("if", "then", "else")}
"""Keywords that mean nothing without others."""
_ONLY: Final[dict[str, tuple[Any, ...]]] = {"null": (None,), "boolean": (False, True)}
"""Types with few values."""


class Side:
    """A schema in its role. With `is_lenient`, writers send declared keys alone, and readers pass over unknown ones."""

    def __init__(self, schema: Schema, role: Role, *, is_lenient: bool) -> None:
        self.schema = schema
        self.role = role
        self.is_lenient = is_lenient
        self.is_open: bool = is_lenient and role == "reader"
        self.schemas: JoinedSchemas = JoinedSchemas(schema)
        self._branches: dict[tuple[int, ...], list[Branch]] = {}
        self._texts: dict[tuple[int, ...], tuple[Parts, str]] = {}

    def branches(self, parts: Parts) -> list[Branch]:
        """A branch for each JSON type and each option that the parts allow."""
        joined = self.schemas.of(parts)
        if joined is None:
            return []
        key = tuple(sorted(map(id, joined.parts)))
        if key not in self._branches:
            self._branches[key] = self._read(joined.parts)
        return self._branches[key]

    def _read(self, parts: tuple[Mapping[str, Any], ...]) -> list[Branch]:
        for part in parts:
            for keyword in ("anyOf", "oneOf"):
                options = part.get(keyword)
                if isinstance(options, list):
                    around = tuple(self.schemas.without(one, keyword) if one is part else one for one in parts)
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
                    self.schemas.alone(part, *_TOGETHER.get(name, (name,)))
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
        found = [self.branches((*around, option)) for option in options]
        flat = [branch for of_option in found for branch in of_option]
        if len(flat) > _MOST_BRANCHES:  # they are not told apart: a writer may send any, and a reader accept none
            return self.branches(around) if self.role == "writer" else self._undecided(around, keyword, options)
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
        return [replace(branch, unsure=(*branch.unsure, mark)) for branch in flat]

    def _undecided(self, around: Parts, keyword: str, options: list[Schema]) -> list[Branch]:
        """Branches of which it is only told whether the writer has the same options."""
        mark = {keyword: options}
        return [replace(branch, unsure=(*branch.unsure, mark)) for branch in self.branches(around)]

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
        if isinstance(reference, str) and self.schemas.references.is_pointer(reference):
            target = self.schemas.references.target(reference)
            rest = {} if self.schemas.is_reference_alone else {name: part[name] for name in part if name != "$ref"}
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
