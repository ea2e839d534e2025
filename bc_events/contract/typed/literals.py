"""LiteralShape written as literals of Python."""

from __future__ import annotations

import re
from typing import Final

_QUOTE: Final = re.compile(r"\\.|\"")


def literal(value: str | int | bool | None) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    """Text in double quotes, with escapes for all that cannot be printed."""
    inside = repr(f'{text}"')[1:-2]  # the added quote makes repr choose single ones around it
    return f'"{_QUOTE.sub(_in_double_quotes, inside)}"'


def _in_double_quotes(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])


def quoted_type(text: str) -> str:
    """A type in quotes. Type checkers want no escapes there, so the quotes are those that it does not have itself."""
    return f"'{text}'" if '"' in text and "'" not in text and "\\" not in text else quoted(text)
