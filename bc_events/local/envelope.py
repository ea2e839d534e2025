"""Envelopes as they arrive: checked against the contract, their data kept byte for byte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bc_events.constants import ACTOR_ID_MIN_LENGTH, ACTOR_TYPES, BULK_PATH, EVENTS_PATH, MAX_REQUEST_EVENTS
from bc_events.errors import printable
from bc_events.event import Actor
from bc_events.topics.schemas import compile_schema

from .document import DocumentError, read_document, refuse_deep, violations_of
from .refusal import VALIDATION, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVELOPE_PROPERTIES: Final[dict[str, Any]] = {
    "action": {"type": "string", "pattern": "^[A-Z][a-z]+$"},
    "category": {"type": "string", "pattern": "^[a-z]+$"},
    "entity": {"type": "string", "pattern": "^([A-Z][a-z]+)+$"},
    "data": {"type": "object", "minProperties": 1},
    "actor": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "type"],
        "properties": {
            "id": {"type": "string", "minLength": ACTOR_ID_MIN_LENGTH},
            "type": {"enum": sorted(ACTOR_TYPES)},
        },
    },
}
ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["action", "category", "entity", "data", "actor"],
    "properties": ENVELOPE_PROPERTIES,
}
_SINGLE: Final = compile_schema(ENVELOPE)
_BULK: Final = compile_schema({"type": "array", "minItems": 1, "maxItems": MAX_REQUEST_EVENTS, "items": ENVELOPE})
_MOST_SHOWN: Final = 5
_NO_LIST: Final = (
    f"the body is not a list; {BULK_PATH} takes a list of 1 to {MAX_REQUEST_EVENTS} envelopes, {EVENTS_PATH} takes one"
)
_NO_ENVELOPE: Final = f"the body is not an object; {EVENTS_PATH} takes one envelope, {BULK_PATH} takes a list of them"

# The decoder of the standard library finds where a value ends. The numbers are not used, however long they are.
_end_of_value: Final = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_BETWEEN: Final = re.compile(r"[ \t\r\n,:]*")
_OPENING: Final = re.compile(r"[ \t\r\n]*[\[{][ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event of a request. `data` is what was parsed, `raw` the bytes it was parsed from."""

    action: str
    category: str
    entity: str
    data: dict[str, Any]
    actor: Actor
    raw: bytes

    @property
    def topic(self) -> str:
        return f"{self.category}.{self.entity}{self.action}"


def read_envelopes(body: bytes, *, is_bulk: bool) -> list[Envelope]:
    """The envelopes in the body of a request. Raises `RefusedError`, which names what breaks the contract."""
    try:
        found = _valid(read_document(body), is_bulk=is_bulk)
    except DocumentError as error:
        raise RefusedError(VALIDATION, str(error)) from error
    return [_envelope(one, raw) for one, raw in zip(found, _raw_data(body.decode(), is_bulk=is_bulk), strict=True)]


def _valid(document: Any, *, is_bulk: bool) -> list[dict[str, Any]]:
    """The records of a request's document. Raises `RefusedError` and `DocumentError`."""
    _refuse_other_shape(document, is_bulk=is_bulk)
    check = _BULK if is_bulk else _SINGLE
    if not check.is_valid(document):
        root = "the body" if is_bulk else "the envelope"
        broken = [f"{printable(one.path) or root}: {one.message}" for one in violations_of(check, document)]
        more = [f"and {len(broken) - _MOST_SHOWN} more"] if len(broken) > _MOST_SHOWN else []
        raise RefusedError(VALIDATION, "; ".join([*broken[:_MOST_SHOWN], *more]))
    found: list[dict[str, Any]] = document if is_bulk else [document]
    for record in found:
        refuse_deep(record["data"])
    return found


def _refuse_other_shape(document: object, *, is_bulk: bool) -> None:
    """Raises `RefusedError` for a request that seems to be sent to the other path."""
    if is_bulk and not isinstance(document, list):
        raise RefusedError(VALIDATION, _NO_LIST)
    if not is_bulk and not isinstance(document, dict):
        raise RefusedError(VALIDATION, _NO_ENVELOPE)


def _envelope(document: dict[str, Any], raw: bytes) -> Envelope:
    actor = Actor(document["actor"]["id"], document["actor"]["type"])
    return Envelope(document["action"], document["category"], document["entity"], document["data"], actor, raw)


def _raw_data(text: str, *, is_bulk: bool) -> Iterator[bytes]:
    """The text of each envelope's data, in a body that has been checked."""
    at = _skip(_OPENING, text, 0) if is_bulk else 0
    while at < len(text) and text[at] != "]":
        raw, at = _members(text, at)
        yield raw
        at = _skip(_BETWEEN, text, at)


def raw_data(text: str) -> bytes:
    """The text of the data of an object that has been checked."""
    return _members(text, 0)[0]


def _members(text: str, at: int) -> tuple[bytes, int]:
    """The text of the data of the object that begins at `at`, and the index behind that object."""
    raw = ""
    at = _skip(_OPENING, text, at)
    while text[at] != "}":
        key, at = _end_of_value(text, at)
        start = _skip(_BETWEEN, text, at)
        _, end = _end_of_value(text, start)
        if key == "data":
            raw = text[start:end]
        at = _skip(_BETWEEN, text, end)
    return raw.encode(), at + 1


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
