"""Misspelt keys of a definitions file: unknown keys that are close to a known key which is missing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from bc_events.errors import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

OF_FILE: Final = ("DefaultCategory", "Topics")
OF_TOPIC: Final = ("Action", "Entity", "Category", "Description", "Schema")
_CUTOFF: Final = 0.75
_OTHERS: Final = frozenset({"deprecated", "discriminator", "example", "externalDocs", "name", "nullable", "xml"})
"""Keywords of OpenAPI, and `name`: close to keywords of JSON Schema, but not misspelt."""


def mistyped(mapping: Mapping[Any, Any], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each unknown key that is close to a known and missing one, with that one."""
    lowered = {name.lower(): name for name in known if name not in mapping}
    for key in mapping:
        if not isinstance(key, str) or key in known or key in _OTHERS or key.startswith("x-"):
            continue
        found = difflib.get_close_matches(key.lower(), lowered, n=1, cutoff=_CUTOFF)
        if found:
            yield key, lowered[found[0]]


def told(key: str, right: str) -> str:
    return f"{printable(key)} is not a key that is read here; did you mean {right}?"
