"""A topic-definitions file read into topics, every mistake in it reported at once with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Final

from bc_events.constants import RESERVED_NAMES
from bc_events.errors import Problem, TopicDefinitionError, kind_of, printable

from . import keys
from .documents import Document, Source, line_at, line_of, lines_of_items, read_document
from .marked import function_in, function_of, unmarked
from .schema_rules import SchemaReading, made_text
from .schemas import SchemaError, compile_schema
from .topic import Topic, magic_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .schemas import Mistake

Definitions = Source | Mapping[str, Any]
Schema = Mapping[str, Any] | bool

_PATTERNS: Final = {
    "Action": (re.compile(r"[A-Z][a-z]+"), "one past-tense word such as Created"),
    "Entity": (re.compile(r"([A-Z][a-z]+)+"), "StudlyCaps such as MyEntity"),
    "Category": (re.compile(r"[a-z]+"), "one lower-case word such as policies"),
}


def read_definitions(source: Definitions, *, show_values: bool = False) -> tuple[list[Topic], str]:
    """The topics of a definitions file and its default category."""
    reading = _Reading(_name(source), show_values=show_values)
    return reading.read(Document(source) if isinstance(source, Mapping) else read_document(reading.source, source))


def _name(source: Definitions) -> str:
    return (
        fspath(source)
        if isinstance(source, str | PathLike)
        else str(getattr(source, "name", "the document of topic definitions"))
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """The words of one definition, whether or not the rest of it is right."""

    action: str
    entity: str
    category: str | None
    line: int | None

    def __str__(self) -> str:
        return f"{self.category}.{self.entity}{self.action}" if self.category else f"{self.entity}{self.action}"


class _Reading:
    """One pass over one document: collects topics and problems."""

    def __init__(self, source: str, *, show_values: bool) -> None:
        self.source = source
        self.show_values = show_values
        self.has_marks = False
        self.schemas = SchemaReading()
        self.problems: list[Problem] = []
        self.topics: list[Topic] = []
        self.named: list[_Named] = []
        self.default_category: str | None = ""  # None if the file has one that is a mistake

    def read(self, document: Document) -> tuple[list[Topic], str]:
        self.problems += document.problems
        self.has_marks = document.has_marks
        if isinstance(document.content, Mapping):
            self._root(document.content)
        else:
            self._report(
                None, f"the document is {_kind(document.content)}; give a mapping with DefaultCategory and Topics"
            )
        self._collisions()
        if self.problems:
            raise TopicDefinitionError(self.source, sorted(self.problems, key=lambda found: found.line or 0))
        return self.topics, self.default_category or ""

    def _report(self, line: int | None, message: str) -> None:
        self.problems.append(Problem(line, message))

    def _root(self, document: Mapping[str, Any]) -> None:
        self._keys(document, keys.OF_FILE)
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

    def _topic(self, position: int, line: int | None, definition: Any) -> None:
        if not isinstance(definition, Mapping):
            given = f"topic {position} is {_kind(definition)}"
            self._report(line, f"{given}; give a mapping with Action, Entity and Schema")
            return
        self._keys(definition, keys.OF_TOPIC)
        action = self._name(definition, "Action", "Action")
        entity = self._name(definition, "Entity", "Entity")
        category = self._category(definition)
        description = self._description(definition)
        named = None
        if action is not None and entity is not None:
            named = _Named(action, entity, category, line_of(definition))
            self.named.append(named)
        if named is None or category is None or description is None:
            self._schema(definition, "this topic" if named is None else str(named), compile_schema)
            return
        kept = unmarked(definition) if self.has_marks else definition

        def topic(schema: Schema) -> Topic:
            words = (named.action, named.entity, category)
            return Topic(*words, schema, description, kept, show_values=self.show_values)

        self._schema(definition, str(named), lambda schema: self.topics.append(topic(schema)))

    def _keys(self, mapping: Mapping[str, Any], known: Collection[str]) -> None:
        for key, right in keys.mistyped(mapping, known):
            self._report(line_of(mapping, key), keys.told(key, right))

    def _name(self, mapping: Mapping[str, Any], key: str, rule: str) -> str | None:
        pattern, example = _PATTERNS[rule]
        value = mapping.get(key)
        function = function_of(value)
        if function is None and isinstance(value, str) and pattern.fullmatch(value):
            return value
        if key not in mapping:
            given = "is missing"
        elif function is not None:
            given = f"is made by CloudFormation ({printable(function)})"
        else:
            given = f"is {printable(repr(value))}" if isinstance(value, str) else f"is {_kind(value)}"
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
            return str(value)
        function = function_in(value)
        if function is not None:
            return made_text(function)
        self._report(line_of(definition, "Description"), f"Description is {_kind(value)}; give text")
        return None

    def _schema(self, definition: Mapping[str, Any], label: str, compiled: Callable[[Schema], object]) -> None:
        """Has the schema compiled, in plain data. Every mistake in it is reported."""
        value = definition.get("Schema")
        if not isinstance(value, Mapping | bool) and function_of(value) is None:
            given = "is missing" if "Schema" not in definition else f"is {_kind(value)}"
            self._report(line_of(definition, "Schema"), f"Schema {given}; give the JSON Schema of the event's data")
            return
        for mistake in _mistakes_in(value, self.schemas, compiled):
            line = line_at(definition, ("Schema", *mistake.steps))
            self._report(line, f"Schema of {label} is not valid JSON Schema: {mistake}")

    def _collisions(self) -> None:
        names: dict[str, _Named] = {}
        magic: dict[tuple[str | None, str], _Named] = {}
        for named in self.named:
            first = names.setdefault(str(named), named)
            if first is not named:
                self._report(named.line, f"{named} is defined twice{_at(first)}; remove one")
                continue
            self._magic_collision(named, magic)

    def _magic_collision(self, named: _Named, magic: dict[tuple[str | None, str], _Named]) -> None:
        for name in dict.fromkeys(magic_names(named.entity, named.action)):
            other = magic.setdefault((named.category, name), named)
            if other is not named:
                told = f"{name} would mean both {other}{_at(other)} and {named}; rename one"
                self._report(named.line, told)
            if name in RESERVED_NAMES:
                self._report(named.line, f"{named} would be called {name}, a name of the library itself; rename it")


def _at(named: _Named) -> str:
    return "" if named.line is None else f" (line {named.line})"


def _mistakes_in(schema: Any, reading: SchemaReading, compiled: Callable[[Schema], object]) -> list[Mistake]:
    """All mistakes in a schema: those of this library's own rules, then those that the compiler finds.

    A mistake that the compiler finds at a place where the rules have found one is left out, because it is the same.
    """
    mistakes: list[Mistake] = []
    try:
        mistakes += reading.mistakes_in(schema)
        (compile_schema if mistakes else compiled)(reading.settled(schema))
    except SchemaError as error:
        mistakes += reading.suspects()
        told = {mistake.steps[:length] for mistake in mistakes for length in range(len(mistake.steps) + 1)}
        mistakes += [mistake for mistake in error.mistakes if mistake.steps not in told]
    return mistakes


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
    return kind_of(value)
