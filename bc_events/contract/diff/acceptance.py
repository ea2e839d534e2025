"""Whether one side accepts one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bc_events.topics.schemas import SchemaError, compile_schema

from .content_model import opened

if TYPE_CHECKING:
    from bc_events.contract.joined_schemas import Parts

    from .side import Side


def accepts(side: Side, parts: Parts, value: Any) -> bool | None:
    """Whether a side accepts a value under some of its schemas; None where that cannot be told."""
    joined = side.schemas.of(parts)
    if joined is None:
        return False
    schema = side.schema if isinstance(side.schema, Mapping) else {}
    definitions = {key: schema[key] for key in ("$defs", "definitions", "$schema") if key in schema}
    whole = {**definitions, "allOf": [True, *joined.parts]}
    whole = opened(whole) if side.is_open else whole
    try:
        return compile_schema(whole).is_valid(value)
    except SchemaError:
        return None  # a part refers to a place that is not among the definitions
