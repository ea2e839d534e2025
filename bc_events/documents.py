"""A YAML file read into plain data that remembers its lines. Nothing in it is ever executed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import yaml

from .errors import Problem, TopicDefinitionError

Source = str | PathLike[str] | IO[str] | IO[bytes]

_SAFE: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 200
_GIVE_A_FILE: Final = "give the YAML file that defines the topics: its path, the open file, or the mapping it holds"


def read_document(name: str, source: Source) -> Any:
    """What a file says; its mappings know their lines. Raises `TopicDefinitionError` where it is not YAML."""
    return _parse(name, _text(name, source))


def line_of(mapping: Mapping[str, Any], key: str | None = None) -> int | None:
    """The line, from 1, of a mapping or of one of its keys; None where it came from no file."""
    if not isinstance(mapping, _Lines):
        return None
    return mapping.key_lines.get(key, mapping.line)


def lines_of_items(mapping: Mapping[str, Any], key: str) -> list[int | None]:
    """The line of each item of a list; empty where it came from no file."""
    return mapping.item_lines.get(key, []) if isinstance(mapping, _Lines) else []


def repeated_keys(mapping: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Each key that was given once more, with its line."""
    return mapping.repeated if isinstance(mapping, _Lines) else []


class _Lines(dict[str, Any]):
    """A mapping that remembers on which line of its file it, each of its keys, and each item of its lists stands."""

    line: int
    key_lines: dict[Hashable, int]
    item_lines: dict[Hashable, list[int | None]]
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
        found.key_lines, found.item_lines = {}, {}
        found.repeated = list(_repeated(node))  # looked for here, before merged keys stand among its own
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

    def short_tag(self, _suffix: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return self.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
_Loader.add_multi_constructor("!", _Loader.short_tag)


def _repeated(node: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if isinstance(key_node, yaml.ScalarNode):
            if key_node.value in seen:
                yield key_node.value, key_node.start_mark.line + 1
            seen.add(key_node.value)


def _text(name: str, source: str | PathLike[str] | IO[str] | IO[bytes]) -> str | bytes:
    try:
        return Path(source).read_bytes() if isinstance(source, str | PathLike) else source.read()
    except (OSError, ValueError, AttributeError) as error:  # ValueError: a closed file, or not in its encoding
        reason = f"it cannot be read ({getattr(error, 'strerror', None) or error}); {_GIVE_A_FILE}"
        raise TopicDefinitionError(name, [Problem(None, reason)]) from error


def _parse(name: str, text: str | bytes) -> Any:
    try:
        _refuse_deep(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise TopicDefinitionError(name, [Problem(line, f"not YAML that can be read: {error.problem}")]) from error
    except Exception as error:  # PyYAML lets a KeyError or an AttributeError of a wrong !!tag through
        told = str(error).splitlines()[:1]
        reason = ": ".join([f"not YAML that can be read ({type(error).__name__})", *told])
        raise TopicDefinitionError(name, [Problem(None, reason)]) from error


def _refuse_deep(text: str | bytes) -> None:
    """The C parser goes down as deep as the file does, on the C stack, and takes the process with it."""
    depth = 0
    for event in yaml.parse(text, Loader=_SAFE):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=f"more than {_MAX_DEPTH} levels deep", problem_mark=mark)
