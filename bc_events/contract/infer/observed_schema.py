"""The schema that observed data has in common."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from genson import SchemaBuilder
from genson.schema.strategies import String

from bc_events.topics.schemas import compile_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FORMATS: Final = ("uuid", "date-time", "date", "email", "uri")


def observed_schema(data: Iterable[Any]) -> dict[str, Any]:
    """A schema that accepts all the data: types, keys that all have, and formats that all texts of a place have."""
    builder: Any = _Builder(schema_uri=None)  # pyright: ignore[reportArgumentType]  # its own way to write none
    for one in data:
        builder.add_object(one)
    schema: dict[str, Any] = builder.to_schema()
    return schema


class _FormattedText(String):  # type: ignore[misc]  # genson has no types
    """Texts. They keep the formats that all of them have had so far."""

    def __init__(self, node_class: Any) -> None:
        super().__init__(node_class)
        self._formats: list[str] | None = None

    def add_object(self, obj: str) -> None:
        super().add_object(obj)
        candidates = _FORMATS if self._formats is None else self._formats
        self._formats = [name for name in candidates if _check(name)(obj)]

    def to_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = super().to_schema()
        return {**schema, "format": self._formats[0]} if self._formats else schema


class _Builder(SchemaBuilder):  # type: ignore[misc]  # genson has no types
    EXTRA_STRATEGIES = (_FormattedText,)


@cache
def _check(named: str) -> Callable[[Any], bool]:
    return compile_schema({"format": named}).is_valid
