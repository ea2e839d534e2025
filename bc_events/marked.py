"""Values that are not what their file shows: made by CloudFormation, or numbers that YAML reads in its own way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self

_SURPRISING: Final = re.compile(r"[-+]?0[0-7_]+|[-+]?0b.*|.*[:_].*")
"""Octal (010 is 8), binary, sexagesimal (12:30 is 750) and with underscores. 0x10 is what it looks like."""


class Marked:
    """`source` is what the file has: a short tag such as !Ref, or the digits of a number."""

    source: str

    def marked(self, source: str) -> Self:
        self.source = source
        return self


class TaggedText(str, Marked):  # noqa: SLOT000  it has a source
    """The text behind a short tag."""


class TaggedList(list[Any], Marked):
    """The list behind a short tag."""


class TaggedMapping(dict[Any, Any], Marked):
    """The mapping behind a short tag."""


class SpelledInt(int, Marked):
    """A whole number that the file spells in a surprising way."""


class SpelledFloat(float, Marked):
    """The same of another number."""


def is_surprising(digits: str) -> bool:
    """Whether people and YAML read a number differently."""
    return _SURPRISING.fullmatch(digits) is not None


def function_of(value: object) -> str | None:
    """The CloudFormation function that makes a value: a short tag, or the only key of a mapping such as Fn::Sub."""
    if isinstance(value, TaggedText | TaggedList | TaggedMapping):
        return value.source
    if isinstance(value, Mapping) and len(value) == 1:
        (key,) = value
        is_reference = key == "Ref" and isinstance(value[key], str)
        return key if is_reference or (isinstance(key, str) and key.startswith("Fn::")) else None
    return None


def unmarked(value: Any) -> Any:
    """A copy in values of standard classes."""
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
            return {key: unmarked(item) for key, item in value.items()}
    return value
