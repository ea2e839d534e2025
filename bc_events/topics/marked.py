"""Values that differ from the text in their file: CloudFormation makes them, or YAML reads the number differently."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self

_SURPRISING: Final = re.compile(r"[-+]?0[0-7_]+|[-+]?0b.*|.*[:_].*")
"""Octal (010 is 8), binary, sexagesimal (12:30 is 750), and numbers with underscores. 0x10 surprises nobody."""


class Marked:
    """`source` is the text in the file: a short tag such as !Ref, or the digits of a number."""

    source: str

    def marked(self, source: str) -> Self:
        self.source = source
        return self


class TaggedText(str, Marked):  # noqa: SLOT000  it has a source
    """The text after a short tag."""


class TaggedList(list[Any], Marked):
    """The list after a short tag."""


class TaggedMapping(dict[Any, Any], Marked):
    """The mapping after a short tag."""


class SpelledInt(int, Marked):
    """A whole number that the file spells in a surprising way."""


class SpelledFloat(float, Marked):
    """Another number that the file spells in a surprising way."""


def is_surprising(digits: str) -> bool:
    """Whether most people read these digits as another number than YAML does."""
    return _SURPRISING.fullmatch(digits) is not None


def function_of(value: object) -> str | None:
    """The CloudFormation function that makes a value: a short tag, or the only key of a mapping such as Fn::Sub."""
    return function_in(value) if not isinstance(value, Mapping) or len(value) == 1 else _tag_of(value)


def function_in(value: object) -> str | None:
    """`function_of`, and also where the function is one of several keys of a mapping."""
    if not isinstance(value, Mapping) or isinstance(value, Marked):
        return _tag_of(value)
    return next((key for key in value if _is_function(key, value[key])), None)


def _tag_of(value: object) -> str | None:
    return value.source if isinstance(value, TaggedText | TaggedList | TaggedMapping) else None


def _is_function(key: object, argument: object) -> bool:
    return isinstance(key, str) and (key.startswith("Fn::") or (key == "Ref" and isinstance(argument, str)))


def unmarked(value: Any) -> Any:
    """A copy of the value in standard classes."""
    match value:
        case TaggedText():
            return str(value)
        case SpelledInt():
            return int(value)
        case SpelledFloat():
            return float(value)
        case list():
            return [unmarked(item) for item in value]
        case dict():
            return {unmarked(key): unmarked(item) for key, item in value.items()}
    return value
