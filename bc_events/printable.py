"""Text from outside, such as a key, a name or a server's message, in a form that is safe to print."""

from __future__ import annotations

from typing import Final

MAX_LENGTH: Final = 200
"""Characters of one piece of text that a message shows."""


def printable(text: str, *, max_length: int = MAX_LENGTH) -> str:
    """The text on one line: control and invisible characters escaped, the end cut off where it is too long."""
    shown = text[: max_length + 1]
    if not shown.isprintable():
        shown = "".join(character if character.isprintable() else _escaped(character) for character in shown)
    return shown if len(shown) <= max_length else shown[: max_length - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
