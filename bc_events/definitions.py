"""A topic-definitions file read into topics, every mistake in it reported at once with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, Final

from .constants import RESERVED_NAMES
from .documents import Source, line_of, lines_of_items, read_document, repeated_keys
from .errors import Problem, TopicDefinitionError
from .schemas import SchemaError
from .topic import Topic

Definitions = Source | Mapping[str, Any]

_PATTERNS: Final = {
    "Action": (re.compile(r"[A-Z][a-z]+"), "one past-tense word such as Created"),
    "Entity": (re.compile(r"([A-Z][a-z]+)+"), "StudlyCaps such as MyEntity"),
    "Category": (re.compile(r"[a-z]+"), "one lower-case word such as policies"),
}


def read_definitions(source: Definitions, *, show_values: bool = False) -> tuple[list[Topic], str]:
    """The topics of a definitions file and its default category."""
    reading = _Reading(_name(source), show_values=show_values)
    return reading.read(source if isinstance(source, Mapping) else read_document(reading.source, source))


def _name(source: Definitions) -> str:
    return (
        fspath(source) if isinstance(source, str | PathLike) else str(getattr(source, "name", "the topic definitions"))
    )


class _Reading:
    """One pass over one document: collects topics and problems."""

    def __init__(self, source: str, *, show_values: bool) -> None:
        self.source = source
        self.show_values = show_values
        self.problems: list[Problem] = []
        self.topics: list[Topic] = []
        self.places: dict[Topic, int | None] = {}
        self.default_category: str | None = ""  # None: there is one, and it is a mistake

    def read(self, document: Any) -> tuple[list[Topic], str]:
        if isinstance(document, Mapping):
            self._root(document)
        else:
            self._report(None, "the document is a mapping with DefaultCategory and Topics, not " + _kind(document))
        self._collisions()
        if self.problems:
            raise TopicDefinitionError(self.source, sorted(self.problems, key=lambda found: found.line or 0))
        return self.topics, self.default_category or ""

    def _report(self, line: int | None, message: str) -> None:
        self.problems.append(Problem(line, message))

    def _root(self, document: Mapping[str, Any]) -> None:
        self._repeated(document)
        if "DefaultCategory" in document:
            self.default_category = self._name(document, "DefaultCategory", "Category")
        definitions = document.get("Topics")
        if not isinstance(definitions, Sequence) or isinstance(definitions, str | bytes):
            given = "is missing" if definitions is None else f"is {_kind(definitions)}"
            self._report(line_of(document, "Topics"), f"Topics {given}; give a list of topics")
            return
        lines = lines_of_items(document, "Topics") or [None] * len(definitions)
        for position, (line, definition) in enumerate(zip(lines, definitions, strict=True), 1):
            self._topic(position, line, definition)

    def _repeated(self, mapping: Mapping[str, Any]) -> None:
        for key, line in repeated_keys(mapping):
            self._report(line, f"{key} is given twice; keep one")

    def _topic(self, position: int, line: int | None, definition: Any) -> None:
        if not isinstance(definition, Mapping):
            given = f"topic {position} is {_kind(definition)}"
            self._report(line, f"{given}; give a mapping with Action, Entity and Schema")
            return
        self._repeated(definition)
        action = self._name(definition, "Action", "Action")
        entity = self._name(definition, "Entity", "Entity")
        category = self._category(definition)
        description = self._description(definition)
        schema = self._schema(definition)
        if None in (action, entity, category, description) or schema is None:
            return
        try:
            words = (action or "", entity or "", category or "")
            topic = Topic(*words, schema, description or "", definition, show_values=self.show_values)
        except SchemaError as error:
            label = f"{category}.{entity}{action}"
            self._report(line_of(definition, "Schema"), f"Schema of {label} is not valid JSON Schema: {error}")
            return
        self.places[topic] = line_of(definition)
        self.topics.append(topic)

    def _name(self, mapping: Mapping[str, Any], key: str, rule: str) -> str | None:
        pattern, example = _PATTERNS[rule]
        value = mapping.get(key)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        given = (
            "is missing" if key not in mapping else f"is {value!r}" if isinstance(value, str) else "is " + _kind(value)
        )
        self._report(line_of(mapping, key), f"{key} {given}; give {example}")
        return None

    def _category(self, definition: Mapping[str, Any]) -> str | None:
        if "Category" in definition:
            return self._name(definition, "Category", "Category")
        if self.default_category == "":
            self._report(line_of(definition), "Category is missing and the file has no DefaultCategory; give either")
        return self.default_category or None

    def _description(self, definition: Mapping[str, Any]) -> str | None:
        value = definition.get("Description", "")
        if isinstance(value, str):
            return value
        self._report(line_of(definition, "Description"), f"Description is {_kind(value)}; give text")
        return None

    def _schema(self, definition: Mapping[str, Any]) -> Mapping[str, Any] | bool | None:
        value = definition.get("Schema")
        if isinstance(value, Mapping | bool):
            return value
        given = "is missing" if "Schema" not in definition else f"is {_kind(value)}"
        self._report(line_of(definition, "Schema"), f"Schema {given}; give the JSON Schema of the event's data")
        return None

    def _collisions(self) -> None:
        names: dict[str, Topic] = {}
        magic: dict[tuple[str, str], Topic] = {}
        for topic in self.topics:
            line = self.places[topic]
            first = names.setdefault(topic.name, topic)
            if first is not topic:
                self._report(line, f"{topic} is defined twice{self._at(first)}; remove one")
                continue
            self._magic_collision(topic, magic)
            for reserved in set(topic.magic_names) & RESERVED_NAMES:
                self._report(line, f"{topic} would be called {reserved}, a name of the library itself; rename it")

    def _magic_collision(self, topic: Topic, magic: dict[tuple[str, str], Topic]) -> None:
        for name in dict.fromkeys(topic.magic_names):
            other = magic.setdefault((topic.category, name), topic)
            if other is not topic:
                line = self.places[topic]
                self._report(line, f"{name} would mean both {other}{self._at(other)} and {topic}; rename one")

    def _at(self, topic: Topic) -> str:
        line = self.places[topic]
        return "" if line is None else f" (line {line})"


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case str():
            return "text"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
    return f"a {type(value).__name__}"
