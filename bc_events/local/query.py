"""The filter language of the local Events API, as SQL. `filter_grammar` reads it; docs/how-to/local-api.md shows it.

    topic:policies.PolicyCreated job:4711 -actor:cognito* data.premium:300 since:5m "free text"

Terms are separated by spaces and all have to hold; `-` before a term means that it must not hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bc_events._runtime import argument_checks as check
from bc_events.errors import printable

from .durations import EXAMPLES, read_duration
from .filter_grammar import QueryError as QueryError, Term, quoted, read_terms, term as term  # noqa: PLC0414  its users find it here
from .searched_text import TRIGRAM, folded, trigrams

ACCEPTED: Final = "accepted"
COLUMNS: Final = {
    "topic": "topic",
    "job": "job_id",
    "actor": "actor_id",
    "type": "actor_type",
    "category": "category",
    "entity": "entity",
    "action": "action",
    "status": "status",
    "service": "service",
    "id": "event_id",
    "key": "idempotency_key",
}
_KNOWN: Final = (*COLUMNS, "data.PATH", "since", "until", "text")
_MOST_TERMS: Final = 100
_LONGEST: Final = 10_000
"""The most characters of a filter. SQLite limits conditions and patterns, and each takes time."""
_TEXT: Final = "instr(searchable(e.topic, e.job_id, e.actor_id, e.reason, e.data), ?) > 0"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NARROW: Final = frozenset({"job", "id"})
"""Fields of which a value has few events: their index is then better than that of texts."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter as an SQL condition over the table `events AS e`, and its parameters.

    `words` is the expression for the full-text index, by which events are found; empty without one. `has_status` says
    whether the filter chooses by status itself.
    """

    condition: str
    parameters: tuple[Any, ...]
    words: str = ""
    has_status: bool = False
    is_empty: bool = True


def read_query(text: str, *, now: datetime | None = None) -> Query:
    """`now` is what durations such as `since:5m` count back from. Raises `QueryError`."""
    check.instance("q", text, str, example="a filter such as topic:policies.PolicyCreated")
    if len(text) > _LONGEST:
        raise QueryError(f"the filter is {len(text)} characters long; write {_LONGEST} or fewer")
    _refuse_characters(text)
    terms = read_terms(text)
    if len(terms) > _MOST_TERMS:
        raise QueryError(f"the filter has {len(terms)} terms; write {_MOST_TERMS} or fewer")
    now = now or datetime.now(UTC)
    conditions = [_condition(term, now) for term in terms]
    is_narrow = any(one.field in _NARROW and len(one.parts) == 1 and not one.is_negated for one in terms)
    return Query(
        " AND ".join(condition for condition, _ in conditions) or "1",
        tuple(parameter for _, parameters in conditions for parameter in parameters),
        words="" if is_narrow else " ".join(filter(None, map(_words, terms))),
        has_status=any(term.field == "status" for term in terms),
        is_empty=not terms,
    )


def microseconds(moment: datetime) -> int:
    """Since 1970, as the store keeps times."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(kept: int) -> datetime:
    """The time of such a number."""
    return _EPOCH + kept * _MICROSECOND


def _refuse_characters(text: str) -> None:
    if "\0" in text:
        raise QueryError(f"position {text.index(chr(0)) + 1} of the filter: NUL cannot be looked for; leave it out")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(
            f"position {error.start + 1} of the filter: half of a surrogate pair is no character; leave it out"
        ) from error


def _condition(term: Term, now: datetime) -> tuple[str, tuple[Any, ...]]:
    condition, parameters = _positive(term, now)
    return (f"NOT ifnull({condition}, 0)" if term.is_negated else condition), parameters


def _positive(term: Term, now: datetime) -> tuple[str, tuple[Any, ...]]:
    if term.field == "data" and term.path:
        return "has_value(e.data, ?, ?)", (json.dumps(term.path), json.dumps(term.parts))
    if term.path or term.field not in {*COLUMNS, "since", "until", "text", ""}:
        raise QueryError(_unknown(term))
    if term.field in ("", "text"):
        return _TEXT, (folded(term.text),)
    if term.field in ("since", "until"):
        return f"e.received {'>=' if term.field == 'since' else '<'} ?", (_moment(term, now),)
    column = COLUMNS[term.field]
    if len(term.parts) == 1:
        return f"{_few(term)}e.{column} = ?", (term.text,)
    return f"e.{column} GLOB ?", ("*".join(map(_literally, term.parts)),)


def _few(term: Term) -> str:
    """The index of what was not accepted is used only where a condition excludes the rest."""
    return f"e.status <> '{ACCEPTED}' AND " if term.field == "status" and term.text != ACCEPTED else ""


def _literally(part: str) -> str:
    """In brackets the wildcards of GLOB stand for themselves."""
    return part.replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")


def _moment(term: Term, now: datetime) -> int:
    """Raises `QueryError`."""
    duration = read_duration(term.text)
    if duration is not None:
        return microseconds(now - duration)
    try:
        return microseconds(datetime.fromisoformat(term.text).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        shown = printable(term.text, max_length=80)
        raise QueryError(
            f"position {term.at} of the filter: {term.field}:{shown} is no time; write how long ago it was "
            f"({EXAMPLES}), or when, as 2026-11-28T09:30 or 2026-11-28T09:30+00:00"
        ) from error


def _unknown(term: Term) -> str:
    name = printable(".".join((term.field, *term.path)), max_length=80)
    known = ", ".join(f"{one}:" for one in _KNOWN)
    shown = printable(quoted(f"{name}:{term.text}"), max_length=80)
    return f"position {term.at} of the filter: there is no field {name}; use {known} or, for the text itself, {shown}"


def _words(term: Term) -> str:
    """The trigrams of a term that an event must have. A value of the data is a part of the searched text too."""
    if term.is_negated:
        return ""
    if term.field in ("", "text"):
        return trigrams(term.text)
    if term.field == "data":
        return " ".join(trigrams(part) for part in term.parts if len(part) >= TRIGRAM)
    return ""
