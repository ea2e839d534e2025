"""Topics as a catalogue in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from bc_events.contract.typed.schema_shapes import SchemaShapes
from bc_events.contract.typed.shape import (
    ListShape,
    LiteralShape,
    MapShape,
    NamedShape,
    TupleShape,
    UnionShape,
    objects_in,
)
from bc_events.contract.typed.type_text import TypeText

from .example_data import example_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bc_events.contract.typed.shape import Shape
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

_NAMES: Final = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "Decimal": "number",
    "bool": "true or false",
    "None": "null",
    "UUID": "text (uuid)",
    "datetime": "text (date-time)",
    "date": "text (date)",
    "time": "text (time)",
    "Any": "anything",
    "Never": "nothing",
}
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|])")


def markdown(table: TopicTable, title: str) -> str:
    """A page: a table of all topics, and then each with its keys and an example."""
    rows = [f"| [{topic.name}](#{_anchor(topic)}) | {_text(topic.description)} |" for topic in table.values()]
    parts = [f"# {_text(title)}", "", "| topic | description |", "|---|---|", *rows, ""]
    for topic in table.values():
        parts += _topic(topic)
    return "\n".join(parts)


def _topic(topic: Topic) -> Iterator[str]:
    yield from (f"## {topic.name}", "")
    if topic.description:
        yield from (_text(topic.description), "")
    yield from (f"Published by `events.{topic.magic_names[0]}(…)` or `events.{topic.magic_names[1]}(…)`.", "")
    shape = SchemaShapes(topic.schema, f"{topic.entity}{topic.action}").root
    objects = objects_in(shape)
    names = {one: one.names[0] if one.names else f"object {number}" for number, one in enumerate(objects, 1)}
    types = _Words(names)
    for one in objects:
        yield from (f"{_text(names[one])}:" if one is not shape else "Data:", "")
        yield from ("| key | type | required | description |", "|---|---|---|---|")
        for name, key in one.keys.items():
            required = "yes" if key.is_required else ""
            yield f"| {_text(name)} | {_text(types.of(key.shape))} | {required} | {_text(key.description)} |"
        yield ""
    data = example_data(topic)
    if data is not None:
        yield from ("```json", orjson.dumps(data, option=orjson.OPT_INDENT_2).decode(), "```", "")


class _Words(TypeText):
    """Types in words, for readers who know no Python."""

    def of(self, shape: Shape, *, is_folded: bool = False) -> str:
        match shape:
            case LiteralShape(values):
                return " or ".join(orjson.dumps(value).decode() for _, value in values)
            case ListShape(item):
                return f"list of {self.of(item)}"
            case TupleShape(items):
                return f"list of {', '.join(map(self.of, items))}"
            case MapShape(value):
                return f"object with values: {self.of(value)}"
            case UnionShape(options):
                words = list(dict.fromkeys(map(self.of, options)))
                is_precise = any(word.startswith("text (") for word in words)
                return " or ".join(word for word in words if word != "text" or not is_precise)
            case NamedShape(name):
                return _NAMES.get(name, name)
            case _:
                return super().of(shape, is_folded=is_folded)


def _anchor(topic: Topic) -> str:
    return topic.name.lower().replace(".", "")


def _text(text: str) -> str:
    """Text on one line, in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
