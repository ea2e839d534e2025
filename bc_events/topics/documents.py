"""A YAML file read into plain data that remembers its lines. Nothing in it is ever executed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import yaml

from bc_events.errors import Problem, TopicDefinitionError, kind_of, printable

from .marked import SpelledFloat, SpelledInt, TaggedList, TaggedMapping, TaggedText, is_surprising
from .outline import problems_in_outline

Source = str | PathLike[str] | IO[str] | IO[bytes]

_SAFE: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_GIVE_A_FILE: Final = "give the YAML file that defines the topics: its path, the open file, or the mapping it holds"


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file. Its mappings know their lines. `has_marks`: some of its values are `Marked`."""

    content: Any
    problems: Sequence[Problem] = ()
    has_marks: bool = False


def read_document(name: str, source: Source) -> Document:
    """Raises `TopicDefinitionError` where it is not YAML."""
    return _parse(name, _text(name, source))


def line_of(mapping: Mapping[str, Any], key: str | None = None) -> int | None:
    """The line, from 1, of a mapping or of one of its keys; None where it came from no file."""
    if not isinstance(mapping, _LineMapping):
        return None
    return mapping.key_lines.get(key, mapping.line)


def lines_of_items(mapping: Mapping[str, Any], key: str) -> list[int | None]:
    """The line of each item of a list; empty where it came from no file."""
    return mapping.item_lines.get(key, []) if isinstance(mapping, _LineMapping) else []


def line_at(mapping: Any, steps: Sequence[str | int]) -> int | None:
    """The line of the value to which steps lead, or of the last step that the file has."""
    line, around, key = None, None, ""
    value: Any = mapping
    for step in steps:
        if isinstance(value, _LineMapping):
            line, around, key = line_of(value, str(step)), value, str(step)
        elif isinstance(value, list) and around is not None and isinstance(step, int):
            lines = lines_of_items(around, key)
            line = lines[step] if step < len(lines) else line
            around = None
        try:
            place: Any = step
            value = value[place]
        except (KeyError, IndexError, TypeError):
            break
    return line


class _LineMapping(dict[str, Any]):
    """A mapping that remembers on which line of its file it, each of its keys, and each item of its lists stands."""

    line: int
    key_lines: dict[Hashable, int]
    item_lines: dict[Hashable, list[int | None]]


class _Loader(_SAFE):  # type: ignore[misc]  # the C loader is untyped
    """SafeLoader that keeps lines, takes CloudFormation's short tags as plain values and leaves dates as text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _SAFE.yaml_implicit_resolvers.items()
    }

    has_marks: bool = False

    def mapping(self, node: yaml.MappingNode) -> Iterator[_LineMapping]:
        found = _LineMapping()
        found.line = node.start_mark.line + 1
        found.key_lines, found.item_lines = {}, {}
        yield found
        self.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "found an unhashable key", key_node.start_mark)
            found.key_lines[key] = key_node.start_mark.line + 1
            if isinstance(value_node, yaml.SequenceNode):
                found.item_lines[key] = [item.start_mark.line + 1 for item in value_node.value]
            found[key] = self.construct_object(value_node)  # type: ignore[index]

    def short_tag(self, suffix: str, node: yaml.Node) -> Any:
        self.has_marks = True
        if isinstance(node, yaml.MappingNode):
            return TaggedMapping(self.construct_mapping(node, deep=True)).marked(f"!{suffix}")
        if isinstance(node, yaml.SequenceNode):
            return TaggedList(self.construct_sequence(node, deep=True)).marked(f"!{suffix}")
        return TaggedText(self.construct_scalar(node)).marked(f"!{suffix}")

    def whole_number(self, node: yaml.ScalarNode) -> int:
        value: int = self.construct_yaml_int(node)
        return SpelledInt(value).marked(self._surprise(node)) if is_surprising(node.value) else value

    def other_number(self, node: yaml.ScalarNode) -> float:
        value: float = self.construct_yaml_float(node)
        return SpelledFloat(value).marked(self._surprise(node)) if is_surprising(node.value) else value

    def _surprise(self, node: yaml.ScalarNode) -> str:
        self.has_marks = True
        return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.other_number)
_Loader.add_constructor("tag:yaml.org,2002:merge", _Loader.construct_yaml_str)  # << as a value
_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_yaml_str)  # = without quotes
_Loader.add_multi_constructor("!", _Loader.short_tag)


def _text(name: str, source: str | PathLike[str] | IO[str] | IO[bytes]) -> str | bytes:
    if not isinstance(source, str | PathLike) and not callable(getattr(source, "read", None)):
        raise TopicDefinitionError(
            name, [Problem(None, f"it cannot be read (it is {kind_of(source)}); {_GIVE_A_FILE}")]
        )
    try:
        return Path(source).read_bytes() if isinstance(source, str | PathLike) else source.read()
    except (OSError, ValueError, AttributeError) as error:  # ValueError: a closed file, or not in its encoding
        reason = f"it cannot be read ({_cause(source, error)}); {_GIVE_A_FILE}"
        raise TopicDefinitionError(name, [Problem(None, reason)]) from error


def _cause(source: object, error: Exception) -> str:
    cause = str(getattr(error, "strerror", None) or error)
    if isinstance(error, FileNotFoundError) and not Path(str(source)).is_absolute():
        return f"{cause} in the working directory {Path.cwd()}"
    return cause


def _parse(name: str, text: str | bytes) -> Document:
    try:
        problems = problems_in_outline(yaml.parse(text, Loader=_SAFE))
        return _loaded(text, problems)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        told = f"{error.context}, {error.problem}" if str(error.problem).startswith("but ") else str(error.problem)
        advice = "; indent with spaces, not with a tab" if _has_tab(text, line) else ""
        reason = f"not YAML that can be read: {printable(told)}{advice}"
        raise TopicDefinitionError(name, [Problem(line, reason)]) from error
    except yaml.reader.ReaderError as error:
        reason = f"not YAML that can be read: {printable(error.reason)}; save the file as UTF-8 text"
        raise TopicDefinitionError(name, [Problem(None, reason)]) from error
    except Exception as error:  # PyYAML lets a KeyError or an AttributeError of a wrong !!tag through
        shown = [printable(line) for line in str(error).splitlines()[:1]]
        reason = ": ".join([f"not YAML that can be read ({type(error).__name__})", *shown])
        raise TopicDefinitionError(name, [Problem(None, reason)]) from error


def _has_tab(text: str | bytes, line: int | None) -> bool:
    """Whether the indentation of a line has a tab, which YAML refuses as a character "that cannot start any token"."""
    lines = text.splitlines()
    if line is None or line > len(lines):
        return False
    found = lines[line - 1]
    return (b"\t" if isinstance(found, bytes) else "\t") in found[: len(found) - len(found.lstrip())]  # type: ignore[operator]  # of one kind


def _loaded(text: str | bytes, problems: Sequence[Problem]) -> Document:
    loader = _Loader(text)
    try:
        return Document(loader.get_single_data(), problems, loader.has_marks)
    finally:
        loader.dispose()
