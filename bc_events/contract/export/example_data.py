"""Example data of a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bc_events.contract.diff.sample import Sampler, texts
from bc_events.contract.diff.side import Side

if TYPE_CHECKING:
    from bc_events.contract.diff.branch import Branch
    from bc_events.contract.joined_schemas import Parts
    from bc_events.topics.topic import Topic

_TRIES: Final = 200
_DEEPEST: Final = 8
"""Levels to which an example shows keys that are not required."""


def example_data(topic: Topic) -> Any:
    """Data that the topic accepts: the first of its schema's `examples`, else made, with all keys. Always the same.

    None if none was found.
    """
    given = topic.schema.get("examples") if isinstance(topic.schema, Mapping) else None
    side = Side(topic.schema, "writer", is_lenient=True)
    sampler = Sampler(side, seed=0)
    candidates = [*(given if isinstance(given, list) else []), *_Example(side, sampler).of((topic.schema,))]
    found = next((data for data in candidates if not topic.violations(data)), None)
    for _ in range(0 if found is not None else _TRIES):
        found = next((data for data in sampler.any((topic.schema,)) if not topic.violations(data)), None)
        if found is not None:
            break
    return found


class _Example:
    """Makes values with all keys that are declared, and an item in each list."""

    def __init__(self, side: Side, sampler: Sampler) -> None:
        self._side = side
        self._sampler = sampler

    def of(self, parts: Parts, depth: int = 0) -> list[Any]:
        """A value in a list; an empty list where none was found."""
        for branch in sorted(self._side.branches(parts), key=lambda one: one.kind == "null"):
            found = self._of_branch(branch, depth)
            if found:
                return found
        return []

    def _of_branch(self, branch: Branch, depth: int) -> list[Any]:
        least = self._sampler.of(branch, depth, is_least=True)
        if branch.values is not None or depth > _DEEPEST:
            return least
        match branch.kind:
            case "string":
                written = texts(branch)
                return [next((text for text in written if text), "")] if written else []
            case "array" if not branch.rows and branch.least("maxItems", 1) and not (least and least[0]):
                return [self.of(branch.item(0), depth + 1)]
            case "object":
                keys = {name: self.of(self._side.child(branch, name), depth + 1) for name in branch.names}
                return [{**(least[0] if least else {}), **{name: found[0] for name, found in keys.items() if found}}]
        return least
