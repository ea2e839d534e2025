"""The text of an event that a free-text search looks through, and the trigrams by which its index finds it."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

_escapes: Final = re.compile(r"(?:\\(?:u[0-9a-fA-F]{4}|[^u]))+")
_MOST_TRIGRAMS: Final = 24
_MOST_KEPT: Final = 256
TRIGRAM: Final = 3


def folded(text: str) -> str:
    """The text without the difference between upper and lower case, and without NUL, at which the index would end."""
    return text.casefold().replace("\0", "\ufffd")


def searchable(topic: str, job_id: str, actor_id: str, reason: str | None, data: str) -> str:
    """SQL's `searchable`: everything that free text is looked for in, folded, each on a line.

    Data that has escapes, as some libraries write JSON, is there with and without them.
    """
    plain = _escapes.sub(_unescaped, data) if "\\" in data else ""
    return folded(f"{topic}\n{job_id}\n{actor_id}\n{reason or ''}\n{data}\n{plain}")


def _unescaped(found: re.Match[str]) -> str:
    try:
        text = json.loads(f'"{found[0]}"')
        text.encode()
    except ValueError:  # such as half of a surrogate pair
        return found[0]
    return str(text)


def trigrams(text: str) -> str:
    """The expression for the full-text index: it finds all texts with `text`, and some others. Empty if too short."""
    plain = folded(text)
    found = dict.fromkeys(plain[at : at + TRIGRAM] for at in range(len(plain) - TRIGRAM + 1))
    return " ".join('"' + one.replace('"', '""') + '"' for one in list(found)[:_MOST_TRIGRAMS])


def has_value(data: str, path: str, parts: str) -> bool:
    """SQL's `has_value`: whether the data has a value at the path that matches. `path` and `parts` are JSON lists.

    Numbers are compared by the digits that were sent. Where the path meets a list, any of its members may match.
    """
    try:
        document = json.loads(data, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return any(_is_match(value, parts) for value in _values(document, json.loads(path)))


def _values(value: Any, path: list[str]) -> list[Any]:
    if not path:
        return [value, *value] if isinstance(value, list) else [value]
    head, *rest = path
    if isinstance(value, dict):
        return _values(value[head], rest) if head in value else []
    if not isinstance(value, list):
        return []
    if head.isascii() and head.isdecimal():
        return _values(value[int(head)], rest) if len(head) < 10 and int(head) < len(value) else []  # noqa: PLR2004
    return [found for member in value if isinstance(member, dict) for found in _values(member, path)]


def _is_match(value: Any, parts: str) -> bool:
    matches = _pattern(parts)
    if isinstance(value, dict | list):
        return not any(json.loads(parts)) and len(json.loads(parts)) > 1  # "*": that there is something
    text = value if isinstance(value, str) else json.dumps(value)
    return matches.fullmatch(text) is not None


@lru_cache(_MOST_KEPT)
def _pattern(parts: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, json.loads(parts))), re.DOTALL)
