"""A topic-definitions file read into topics, every mistake in it reported at once with its line."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import yaml

from .constants import RESERVED_NAMES
from .errors import Problem, TopicDefinitionError
from .schemas import SchemaError
from .topic import Topic

Definitions = str | PathLike[str] | IO[str] | IO[bytes] | Mapping[str, Any]

_SAFE: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PATTERNS: Final = {
    "Action": (re.compile(r"[A-Z][a-z]+"), "one past-tense word such as Created"),
    "Entity": (re.compile(r"([A-Z][a-z]+)+"), "StudlyCaps such as MyEntity"),
    "Category": (re.compile(r"[a-z]+"), "one lower-case word such as policies"),
}


class _Lines(dict[str, Any]):
    """A mapping that remembers on which line of its file it, and each of its keys, stands."""

    line: int
    key_lines: dict[Hashable, int]
    repeated: list[tuple[str, int]]


class _Loader(_SAFE):  # type: ignore[misc]  # the C loader is untyped
    """SafeLoader that keeps lines, takes CloudFormation's short tags as plain values and leaves dates as text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _SAFE.yaml_implicit_resolvers.items()
    }

    def mapping(self, node: yaml.MappingNode) -> Iterator[_Lines]:
        found = _Lines()
        found.line = node.start_mark.line + 1
        found.key_lines, found.repeated = {}, []
        yield found
        self.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "found an unhashable key", key_node.start_mark)
            if key in found.key_lines:
                found.repeated.append((str(key), key_node.start_mark.line + 1))
            found.key_lines[key] = key_node.start_mark.line + 1
            found[key] = self.construct_object(value_node)  # type: ignore[index]

    def short_tag(self, _suffix: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return self.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
_Loader.add_multi_constructor("!", _Loader.short_tag)


def read_definitions(source: Definitions) -> tuple[list[Topic], str]:
    """The topics of a definitions file and its default category."""
    name, document = _load(source)
    return _Reading(name).read(document)


def _load(source: Definitions) -> tuple[str, Any]:
    if isinstance(source, Mapping):
        return "the topic definitions", source
    if isinstance(source, str | PathLike):
        name = fspath(source)
        return name, _parse(name, _text(name))
    return str(getattr(source, "name", "the topic definitions")), _parse(
        str(getattr(source, "name", "the topic definitions")), source.read()
    )


def _text(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror}); give the path of the YAML file that defines the topics"
        raise TopicDefinitionError(path, [Problem(None, reason)]) from error


def _parse(name: str, text: str | bytes) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise TopicDefinitionError(name, [Problem(line, f"not YAML that can be read: {error.problem}")]) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise TopicDefinitionError(name, [Problem(None, f"not YAML that can be read: {error}")]) from error


class _Reading:
    """One pass over one document: collects topics and problems."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.topics: list[Topic] = []
        self.places: dict[Topic, int | None] = {}
        self.default_category = ""

    def read(self, document: Any) -> tuple[list[Topic], str]:
        if isinstance(document, Mapping):
            self._root(document)
        else:
            self._report(None, "the document is a mapping with DefaultCategory and Topics, not " + _kind(document))
        self._collisions()
        if self.problems:
            raise TopicDefinitionError(self.source, sorted(self.problems, key=lambda found: found.line or 0))
        return self.topics, self.default_category

    def _report(self, line: int | None, message: str) -> None:
        self.problems.append(Problem(line, message))

    def _root(self, document: Mapping[str, Any]) -> None:
        self._repeated(document)
        if "DefaultCategory" in document:
            found = self._name(document, "DefaultCategory", "Category")
            self.default_category = found or ""
        definitions = document.get("Topics")
        if not isinstance(definitions, Sequence) or isinstance(definitions, str):
            given = "is missing" if definitions is None else f"is {_kind(definitions)}"
            self._report(_line(document, "Topics"), f"Topics {given}; give a list of topics")
            return
        for position, definition in enumerate(definitions, 1):
            self._topic(position, definition)

    def _repeated(self, mapping: Mapping[str, Any]) -> None:
        for key, line in getattr(mapping, "repeated", ()):
            self._report(line, f"{key} is given twice; keep one")

    def _topic(self, position: int, definition: Any) -> None:
        if not isinstance(definition, Mapping):
            self._report(
                None, f"topic {position} is {_kind(definition)}; give a mapping with Action, Entity and Schema"
            )
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
            topic = Topic(action or "", entity or "", category or "", schema, description or "", definition)
        except SchemaError as error:
            label = f"{category}.{entity}{action}"
            self._report(_line(definition, "Schema"), f"Schema of {label} is not valid JSON Schema: {error}")
            return
        self.places[topic] = _line(definition)
        self.topics.append(topic)

    def _name(self, mapping: Mapping[str, Any], key: str, rule: str) -> str | None:
        pattern, example = _PATTERNS[rule]
        value = mapping.get(key)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        given = (
            "is missing" if key not in mapping else f"is {value!r}" if isinstance(value, str) else "is " + _kind(value)
        )
        self._report(_line(mapping, key), f"{key} {given}; give {example}")
        return None

    def _category(self, definition: Mapping[str, Any]) -> str | None:
        if "Category" in definition:
            return self._name(definition, "Category", "Category")
        if not self.default_category and not any("DefaultCategory" in found.message for found in self.problems):
            self._report(_line(definition), "Category is missing and the file has no DefaultCategory; give either")
        return self.default_category or None

    def _description(self, definition: Mapping[str, Any]) -> str | None:
        value = definition.get("Description", "")
        if isinstance(value, str):
            return value
        self._report(_line(definition, "Description"), f"Description is {_kind(value)}; give text")
        return None

    def _schema(self, definition: Mapping[str, Any]) -> Mapping[str, Any] | bool | None:
        value = definition.get("Schema")
        if isinstance(value, Mapping | bool):
            return value
        given = "is missing" if "Schema" not in definition else f"is {_kind(value)}"
        self._report(_line(definition, "Schema"), f"Schema {given}; give the JSON Schema of the event's data")
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


def _line(mapping: Mapping[str, Any], key: str | None = None) -> int | None:
    if not isinstance(mapping, _Lines):
        return None
    return mapping.key_lines.get(key, mapping.line)


def _kind(value: object) -> str:
    names = {
        dict: "a mapping",
        _Lines: "a mapping",
        list: "a list",
        str: "text",
        bool: "a boolean",
        type(None): "empty",
    }
    return names.get(type(value), f"a {type(value).__name__}")
