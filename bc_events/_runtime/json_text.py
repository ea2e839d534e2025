"""Values as JSON that is fit for a terminal and for a log."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

# Characters that are not ASCII stand only inside the strings of a JSON text, and so does DEL.
_UNSAFE: Final = re.compile(r"[^\x00-\x7e]")


def json_text(value: Any, *, option: int = 0) -> str:
    """A value as JSON. Control and invisible characters are escaped, as `\\u009b`. `option` is orjson's."""
    return _UNSAFE.sub(_json_escaped, orjson.dumps(value, default=str, option=option).decode())


def json_line(text: str) -> str:
    """A text that is JSON already, escaped as that of `json_text` is."""
    return _UNSAFE.sub(_json_escaped, text)


def _json_escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
