"""Text from outside, fit for a terminal: there a control character moves the cursor, or begins another line."""

from __future__ import annotations

import sys

from bc_events._runtime.json_text import (
    json_line as json_line,  # noqa: PLC0414  other commands have it from here
    json_text as json_text,  # noqa: PLC0414
)
from bc_events.errors import printable


def escaped(text: str) -> str:
    """The text on one line, whatever its length. Control and invisible characters are escaped, as `\\x1b`."""
    return printable(text, max_length=sys.maxsize - 1)


def on_one_line(text: str) -> str:
    """A message on one line: a line break and the indentation behind it become a space; the rest is `escaped`."""
    return escaped(" ".join(line.strip() for line in text.split("\n")))
