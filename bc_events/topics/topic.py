"""Topic: one kind of event that a service may publish."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from orjson import dumps

from bc_events.errors import InvalidEventError, Violation, kind_of

from . import payload
from .payload import OPTIONS, digits
from .plain import ATOMS, is_plain
from .schemas import Check, compile_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_BACKSLASH: Final = ord("\\")
_MANY: Final = 100
_NUL: Final = b"\\u0000"
_WORD: Final = re.compile(r"[A-Z][a-z]+")


@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """One kind of event. `definition` is the whole mapping from the file, unknown keys included.

    With `show_values` the violations of its events show the wrong values, which may be personal data.
    """

    action: str
    entity: str
    category: str
    schema: Mapping[str, Any] | bool
    description: str = ""
    definition: Mapping[str, Any] = field(default_factory=dict, repr=False)
    show_values: bool = field(default=False, repr=False)
    name: str = field(init=False)
    head: bytes = field(init=False, repr=False)
    check: Check = field(init=False, repr=False)
    is_valid: Callable[[Any], bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        head = dumps({"action": self.action, "category": self.category, "entity": self.entity})
        object.__setattr__(self, "name", f"{self.category}.{self.entity}{self.action}")
        object.__setattr__(self, "head", head[:-1] + b',"data":')
        object.__setattr__(self, "check", compile_schema(self.schema, show_values=self.show_values))
        object.__setattr__(self, "is_valid", self.check.is_valid)

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        words = (self.action, self.entity, self.category)
        return Topic, (*words, self.schema, self.description, self.definition, self.show_values)

    @property
    def magic_names(self) -> tuple[str, str]:
        """`created_my_entity` and `my_entity_created`."""
        return magic_names(self.entity, self.action)

    def violations(self, data: Any) -> tuple[Violation, ...]:
        """All reasons why this data cannot be published under this topic; empty where it can."""
        try:
            self.freeze(data)
        except InvalidEventError as error:
            return error.violations
        return ()

    def freeze(self, data: Any) -> bytes:
        """Checks and serialises the data, once and for all. Returns the envelope's bytes up to the actor."""
        try:
            if type(data) is dict and data:
                # Most values are checked here, because a call is slower. is_plain checks large data, and its size.
                values: Iterable[Any] = data.values() if len(data) < _MANY else (data,)
                value: Any
                for value in values:
                    kind = type(value)
                    if kind is str or kind in ATOMS:
                        continue
                    if kind is float:
                        if value - value:  # the difference is NaN for NaN and the infinities
                            break
                    elif not is_plain(value):
                        break
                else:
                    if self.is_valid(data):
                        body = dumps(data, digits, OPTIONS)
                        if _BACKSLASH not in body or _NUL not in body:
                            return self.head + body
        except (TypeError, ValueError, RuntimeError):
            pass  # the slow way below finds the mistake, if there is one
        return self.head + self._frozen_carefully(data)

    def _frozen_carefully(self, data: Any) -> bytes:
        try:
            plain = payload.to_plain(data)
            body = payload.written(plain)
        except payload.UnserialisableError as error:
            raise InvalidEventError(self.name, error.violations) from error
        if type(plain) is not dict:
            raise InvalidEventError(self.name, [Violation("", "type", _not_a_mapping(data))])
        violations = () if self.is_valid(plain) else self.check.violations_as_sent(body)
        if not plain:
            violations += (Violation("", "minProperties", "an event's data has at least one property"),)
        if violations:
            raise InvalidEventError(self.name, violations)
        return body


def _not_a_mapping(data: object) -> str:
    advice = "; publish each item with a call of its own" if isinstance(data, list | tuple) and data else ""
    return f"an event's data is an object (a mapping), not {kind_of(data)}{advice}"


def magic_names(entity: str, action: str) -> tuple[str, str]:
    """`created_my_entity` and `my_entity_created`."""
    words = "_".join(_WORD.findall(entity)).lower()
    return f"{action.lower()}_{words}", f"{words}_{action.lower()}"
