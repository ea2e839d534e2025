"""Parts of an event of AWS. A part of another shape counts as missing, because anybody may have written it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def folded(name: object) -> str:
    """The name in lower case, because names are the same in any case."""
    return str(name).lower()
