"""Responses of JSON, and the response to a request that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

from .body import SlowBodyError
from .document import DocumentError
from .faults import FaultError
from .parameters import ParameterError
from .query import QueryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from .received_event import ReceivedEvent

REFUSED: Final = (QueryError, FaultError, ParameterError, DocumentError, SlowBodyError)


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def refusal(reason: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Response:
    return json_response({"error": reason}, status, headers)


async def refused(_request: Request, error: Exception) -> Response:
    """The response to a request that is wrong: it says why."""
    if isinstance(error, SlowBodyError):
        return refusal(str(error), 408, {"Connection": "close"})
    return refusal(str(error))


def fragments(events: Sequence[ReceivedEvent]) -> list[orjson.Fragment]:
    return [orjson.Fragment(event.json) for event in events]
