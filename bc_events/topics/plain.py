"""Plain data: dicts, lists and scalars of exactly these classes. Reading them runs no code of the caller.

orjson and jsonschema-rs accept more. But some objects make them end the process: an enum member that is its own value,
a UUID without a number, a list that contains one list a million times. So an event's data is made plain first.
"""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from bc_events.constants import MAX_REQUEST_BYTES
from bc_events.errors import MOST_VIOLATIONS, Violation, printable

from .holders import has_fields, holder_of
from .scalars import FORMS, NoJSONFormError, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

MAX_DEPTH: Final = 200
TOO_DEEP: Final = f"nests more than {MAX_DEPTH} levels deep"
_INCONSISTENT: Final = "is a mapping whose keys(), items() and [] do not agree; pass a dict"
ATOMS: Final = frozenset({int, bool, type(None)})
"""Classes whose values are small and need no check. orjson itself refuses an int beyond 64 bits."""
_LARGE_EXPONENT: Final = 308
_LEAST_BYTES: Final = 2
"""The bytes that the smallest value takes, with its comma."""


def is_plain(value: Any) -> bool:
    """Whether a value of an event's data is plain already, and not larger than a request can be."""
    kind = type(value)
    values = value.values() if kind is dict else value if kind is list else (value,)
    return _room_left(values, MAX_REQUEST_BYTES, 1) >= 0


def _room_left(values: Collection[Any], room: int, depth: int) -> int:
    """The bytes of `room` that are left after the values, at most. Negative if the values are not plain."""
    if depth > MAX_DEPTH:
        return -1
    for value in values:
        kind = type(value)
        if kind is str:
            room -= len(value)
        elif kind in ATOMS:
            continue
        elif kind is dict or kind is list:
            room = _room_left(value.values() if kind is dict else value, room, depth + 1)
            if room < 0:
                return -1
        elif kind is float:
            if value - value:  # the difference is NaN for NaN and the infinities
                return -1
        elif kind is not Decimal or not value.is_finite() or value.adjusted() >= _LARGE_EXPONENT:
            return -1
    return room - _LEAST_BYTES * len(values)


class TooLargeError(Exception):
    """Data that is larger than any request, such as a list that contains one list a million times."""


class _EnoughError(Exception):
    """There are enough violations. More would not help the reader."""


class PlainCopy:
    """A copy in plain data of a value of any kind. Raises `TooLargeError`.

    `violations` has one item for each value that has no exact JSON form.
    """

    def __init__(self, value: Any) -> None:
        self.violations: list[Violation] = []
        self._steps: list[str | int] = []
        self._open: set[int] = set()
        self._done: dict[int, tuple[Any, Any, int]] = {}
        self._room = MAX_REQUEST_BYTES
        try:
            self.data: Any = self._of(value)
        except _EnoughError:
            self.data = None

    def _of(self, value: Any) -> Any:
        self._take(_LEAST_BYTES)
        try:
            form = FORMS.get(type(value))
            plain = form(value) if form is not None else self._of_other(value)
        except NoJSONFormError as error:
            return self._refuse(error.reason)
        except (TooLargeError, _EnoughError):
            raise
        except Exception as error:  # noqa: BLE001  reading an object may raise anything
            return self._refuse(f"cannot be read ({_name(type(error))}); convert it first")
        if type(plain) is str:
            self._take(len(plain))
        return plain

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise TooLargeError

    def _refuse(self, reason: str) -> None:
        self._violation(self._steps, reason)

    def _refuse_key(self, reason: str) -> None:
        """A violation about a key has the path of its mapping."""
        self._violation(self._steps[:-1], f"a key {reason}")

    def _violation(self, steps: Sequence[str | int], reason: str) -> None:
        self.violations.append(Violation(pointer(steps), "json", reason))
        if len(self.violations) == MOST_VIOLATIONS:
            raise _EnoughError

    def _of_other(self, value: Any) -> Any:
        """The copy of any other value than a scalar of a standard class. An object in several places is read once."""
        done = self._done.get(id(value))
        if done is not None:
            self._take(done[2])
            return done[1]
        if id(value) in self._open:
            raise NoJSONFormError("contains itself")
        if len(self._open) > MAX_DEPTH:
            raise NoJSONFormError(TOO_DEEP)
        self._open.add(id(value))
        depth, room, faults = len(self._steps), self._room, len(self.violations)
        try:
            plain = self._reader(type(value), value)(value)
        finally:
            self._open.discard(id(value))
            del self._steps[depth:]
        if len(self.violations) == faults:
            # The value is kept, because the id of a collected object may be used again.
            self._done[id(value)] = (value, plain, room - self._room)
        return plain

    def _reader(self, kind: type, value: Any) -> Callable[[Any], Any]:
        """The function that reads a value. It depends on the class alone: `__class__` may be overridden."""
        if kind is dict:
            return self._members
        if kind is list or kind is tuple:
            return self._items
        if issubclass(kind, Enum):
            return self._member_of_enum
        if has_fields(kind) and (held := holder_of(kind)) is not None:
            raise NoJSONFormError(f"has fields and is also a {_name(held)}; convert it first")
        for standard, form in FORMS.items():
            if issubclass(kind, standard):
                return form
        if issubclass(kind, list):
            return self._items_of_subclass
        if isinstance(value, Mapping):
            return self._members_of_mapping
        if dataclasses.is_dataclass(kind):
            return self._fields
        raise NoJSONFormError(_no_form(kind))

    def _members(self, value: dict[Any, Any]) -> dict[str, Any]:
        copy = {}
        self._steps.append("")
        for key, item in value.items():
            if type(key) is not str:
                self._refuse_key(f"is of type {_name(type(key))}, not a plain string; convert it with str()")
                continue
            self._steps[-1] = key
            self._take(len(key))
            try:
                text(key)
            except NoJSONFormError as error:
                self._refuse_key(error.reason)
                continue
            copy[key] = self._of(item)
        return copy

    def _items(self, value: Iterable[Any]) -> list[Any]:
        copy = []
        self._steps.append(0)
        for index, item in enumerate(value):
            self._steps[-1] = index
            copy.append(self._of(item))
        return copy

    def _items_of_subclass(self, value: list[Any]) -> list[Any]:
        own = list.copy(value)
        shown = list(islice(value, len(own) + 1))
        if len(own) == len(shown) and all(map(_is_same, own, shown)):
            return self._items(own)
        raise NoJSONFormError("is a list that shows other items than it holds; pass a list")

    def _members_of_mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        """Reads a mapping in each possible way, and refuses it where they differ, as in some subclasses of dict."""
        is_dict = issubclass(type(value), dict)
        length = min(len(value), self._room)
        held = dict(dict.items(value) if is_dict else islice(value.items(), length + 1))  # type: ignore[arg-type]  # is_dict
        keys = list(islice(value.keys(), len(held) + 1))
        pairs = list(islice(value.items(), len(held) + 1))
        if len(held) != length or len(keys) != len(held) or len(pairs) != len(held):
            raise NoJSONFormError(_INCONSISTENT)
        if all(_is_same(held[key], item) for key, item in chain(pairs, ((key, value[key]) for key in keys))):
            return self._members(held)
        raise NoJSONFormError(_INCONSISTENT)

    def _fields(self, value: Any) -> dict[str, Any]:
        return self._members({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})

    def _member_of_enum(self, member: Enum) -> Any:
        value = member._value_
        if member.value is not value:
            raise NoJSONFormError("is an enum member whose value is not the one it was defined with; pass its value")
        kind: Any = holder_of(type(member))
        own = FORMS[kind](member) if kind in FORMS else None
        plain = self._of(value)
        if kind is None or (_is_equal(own, plain) if kind in FORMS else kind.__eq__(member, value) is True):
            return plain
        raise NoJSONFormError(
            f"is an enum member that is also a {_name(kind)}, but not equal to its value; pass its value"
        )


def _is_same(one: Any, other: Any) -> bool:
    return one is other or _is_equal(one, other)


def _is_equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _name(kind: type) -> str:
    """The name of a class, with its module where a builtin class has the same name, as numpy.bool."""
    is_namesake = hasattr(builtins, kind.__name__) and kind.__module__ != "builtins"
    return printable(f"{kind.__module__}.{kind.__name__}" if is_namesake else kind.__name__, max_length=80)


def _no_form(kind: type) -> str:
    if issubclass(kind, tuple):
        return f"is a named tuple ({_name(kind)}), which could be an object or a list; convert it first"
    article = "an" if _name(kind)[0] in "aeioAEIO" else "a"
    return f"is {article} {_name(kind)}, which has no JSON form; convert it first"


def pointer(steps: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of a place."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
