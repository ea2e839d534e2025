"""The typed calls of a table of topics: types of their data, a class of sessions, and the calls of the ambient API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .class_names import ClassNames, studly_caps
from .docstring import docstring
from .equal_objects import groups_of_equals
from .literals import quoted_type
from .object_text import ObjectText
from .schema_shapes import SchemaShapes
from .shape import ANYTHING, MapShape, ObjectShape, UnionShape, either
from .type_text import BUILTINS, MODULES, TypeText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

    from .shape import Shape


@dataclass(frozen=True, slots=True)
class _Call:
    """A topic, the shape of its data, and the name of the type for it."""

    topic: Topic
    shape: Shape
    type_name: str


def typed_calls(table: TopicTable) -> list[str]:
    """The lines that type checkers read: imports, types, sessions and calls. Equal objects are one class."""
    classes = ClassNames([*MODULES, *BUILTINS, "Session", "TYPE_CHECKING"])
    calls: list[_Call] = []
    for topic in table.values():
        name = f"{topic.action}{topic.entity}"
        type_name = classes.take((name, f"{studly_caps(topic.category)}{name}"))
        calls.append(_Call(topic, _shape(topic, name), type_name))
    groups = groups_of_equals(call.shape for call in calls)
    names = _names(groups, calls, classes)
    types = TypeText(names)
    body = [*_objects(groups, names, types), *_data(calls, names, types), *_session(table, calls, types)]
    return [*_imports(types.used), "", *body]


def _shape(topic: Topic, name: str) -> Shape:
    """The shape of a topic's data. An event's data is always an object, whatever else its schema allows."""
    shape = SchemaShapes(topic.schema, name).root
    options = shape.options if isinstance(shape, UnionShape) else (shape,)
    return either([option for option in options if isinstance(option, ObjectShape | MapShape)] or [MapShape(ANYTHING)])


def _names(groups: list[list[ObjectShape]], calls: list[_Call], classes: ClassNames) -> dict[ObjectShape, str]:
    """The name of each object. The data of a topic has the topic's: that of the first, if topics have equal data."""
    of_data = {call.shape: call.type_name for call in reversed(calls) if isinstance(call.shape, ObjectShape)}
    names: dict[ObjectShape, str] = {}
    for group in groups:
        own = next((of_data[shape] for shape in group if shape in of_data), None)
        name = own or classes.take(word for shape in group for word in shape.names)
        names.update(dict.fromkeys(group, name))
    return names


def _objects(groups: list[list[ObjectShape]], names: dict[ObjectShape, str], types: TypeText) -> Iterator[str]:
    text = ObjectText(types, frozenset(names.values()))
    for group in groups:
        yield from (*text.lines(names[group[0]], group), "", "")


def _data(calls: list[_Call], names: dict[ObjectShape, str], types: TypeText) -> Iterator[str]:
    """The type of a topic's data, where it is no object, or one that has the name of another topic."""
    for call in calls:
        if not isinstance(call.shape, ObjectShape):
            yield from (f"{call.type_name}: {types.name('TypeAlias')} = {quoted_type(types.of(call.shape))}", "", "")
        elif names[call.shape] != call.type_name:
            yield f"class {call.type_name}({names[call.shape]}):"
            yield from (f"    {line}" for line in docstring(f"The data of {call.topic}."))
            yield from ("", "")


def _session(table: TopicTable, calls: list[_Call], types: TypeText) -> Iterator[str]:
    """The calls, as methods of sessions and as functions. A name that stands for several topics is left out."""
    event, base = types.name("Event"), types.name("EventSession")
    called = [
        (name, call) for call in calls for name in call.topic.magic_names if table.magic_names[name] is call.topic
    ]
    yield from (f"class Session({base}):", '    """A session whose magic calls are typed."""')
    for name, call in called:
        first, second = call.topic.magic_names
        if name == second and (first, call) in called:
            yield f"    {second} = {first}"
            continue
        yield from ("", f"    def {name}(self, data: {call.type_name}, /) -> {event}:")
        described = docstring(call.topic.description or f"Publishes {call.topic}.")
        yield from (f"        {line}" for line in (*described, "..."))
    yield from ("", "", "def current_session() -> Session: ...", "", "", "_live = current_session()")
    yield from (f"{name} = _live.{name}" for name, _ in called)


def _imports(used: set[str]) -> Iterator[str]:
    modules: dict[str, list[str]] = {}
    for name in sorted(used):
        modules.setdefault(MODULES[name], []).append(name)
    for module, names in sorted(modules.items()):
        yield f"from {module} import {', '.join(names)}"
