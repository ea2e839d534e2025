"""Descriptions written as docstrings."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

from .literals import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH: Final = 104


def docstring(text: str) -> list[str]:
    """The lines of a docstring. Each run of white space in the text becomes one space."""
    told = " ".join(text.split())
    is_safe = '"""' not in told and "\\" not in told and not told.endswith('"') and told.isprintable()
    lines = wrap(told if is_safe else quoted(told)[1:-1], _WIDTH, break_long_words=False, break_on_hyphens=False)
    if len(lines) < 2:  # noqa: PLR2004  one line, or none
        return [f'"""{"".join(lines)}"""']
    return [f'"""{lines[0]}', *lines[1:], '"""']


def agreed(texts: Iterable[str]) -> str:
    """The text, where all that are not empty are the same."""
    told = {" ".join(text.split()) for text in texts} - {""}
    return told.pop() if len(told) == 1 else ""
