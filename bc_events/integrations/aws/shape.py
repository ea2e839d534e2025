"""Parts of what AWS hands over. One of another shape is missing: publishers and authorizers write what they like."""

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
    """Names are the same in any case."""
    return str(name).lower()
