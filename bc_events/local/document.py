"""JSON documents from outside: each is read, or refused with a reason. A 5xx would make the client send it again."""

from __future__ import annotations

from decimal import InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from bc_events.errors import Violation
    from bc_events.topics.schemas import Check

_TOO_DEEP: Final = "it nests too deeply"


class DocumentError(ValueError):
    """A document that cannot be read."""


def read_document(body: bytes) -> Any:
    """Raises `DocumentError` for text that is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DocumentError(f"the body is not JSON: {error}") from error


def refuse_deep(value: Any) -> None:
    """Raises `DocumentError` for a value that nests too deeply to be written: orjson reads deeper than it writes."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise DocumentError(_TOO_DEEP) from error


def violations_of(check: Check, document: Any) -> tuple[Violation, ...]:
    """Every violation of a schema. Raises `DocumentError` if the document nests too deeply to be checked."""
    try:
        return check.violations(document)
    except ValueError as error:
        raise DocumentError(_TOO_DEEP) from error


def violations_as_sent(check: Check, body: bytes) -> tuple[Violation, ...]:
    """Every violation in a text that `read_document` has read, with exact digits.

    Raises `DocumentError` for an exponent that `Decimal` cannot hold.
    """
    try:
        return check.violations_as_sent(body)
    except InvalidOperation as error:
        raise DocumentError("a number in it has an exponent that is out of range") from error
    except ValueError as error:
        raise DocumentError(_TOO_DEEP) from error
