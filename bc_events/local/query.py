"""The filter language of the local Events API.

    topic:policies.PolicyCreated job:4711 actor:cognito* "free text"

Terms are separated by spaces and all have to hold; quotes keep spaces, as in a shell. `field:value` compares a whole
field, in which `*` stands for anything. A word with no field is looked for in topic, job, actor and data, as
`text:word` is.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Final

from bc_events._runtime import argument_checks as check

_COLUMNS: Final = {
    "topic": "topic",
    "job": "job_id",
    "actor": "actor_id",
    "type": "actor_type",
    "category": "category",
    "entity": "entity",
    "action": "action",
    "id": "event_id",
    "key": "idempotency_key",
}
_MOST_TERMS: Final = 100
_LONGEST: Final = 10_000
"""The most characters of a filter. SQLite limits conditions and patterns, and each takes time."""
_TEXT: Final = (
    "(instr(lower(topic || ' ' || job_id || ' ' || actor_id || ' ' || data), lower(?)) > 0 "
    "OR instr(lower(data), lower(?)) > 0)"
)


class QueryError(ValueError):
    """A filter that cannot be read."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter as an SQL condition over the table of events and its parameters."""

    condition: str
    parameters: tuple[str, ...]


def read_query(text: str) -> Query:
    """Raises `QueryError`."""
    check.instance("q", text, str, example="a filter such as topic:policies.PolicyCreated")
    if len(text) > _LONGEST:
        raise QueryError(f"the filter is {len(text)} characters long; write {_LONGEST} or fewer")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise QueryError(f"the filter cannot be split into terms ({error}); quote with a pair of ' or \"") from error
    if len(words) > _MOST_TERMS:
        raise QueryError(f"the filter has {len(words)} terms; write {_MOST_TERMS} or fewer")
    terms = [_term(word) for word in words]
    condition = " AND ".join(condition for condition, _ in terms) or "1"
    return Query(condition, tuple(parameter for _, parameters in terms for parameter in parameters))


def _term(word: str) -> tuple[str, tuple[str, ...]]:
    field, colon, value = word.partition(":")
    if not colon:
        return _text(word)
    if field == "text":
        return _text(value)
    if field not in _COLUMNS:
        known = ", ".join(f"{name}:" for name in _COLUMNS)
        raise QueryError(f"the filter has no field {field}; use {known} or, for any text, text:{word}")
    if "*" in value:
        # Only * is a wildcard here. In brackets the other wildcards of GLOB stand for themselves.
        return f"{_COLUMNS[field]} GLOB ?", (value.replace("[", "[[]").replace("?", "[?]"),)
    return f"{_COLUMNS[field]} = ?", (value,)


def _text(value: str) -> tuple[str, tuple[str, ...]]:
    """Data may contain the text as it is or, as some libraries write JSON, with escapes."""
    return _TEXT, (value, json.dumps(value)[1:-1])
