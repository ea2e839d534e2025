"""Inspection: requests and faults of a local Events API, as JSON under `/api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from . import parameters
from .body import read_body
from .document import read_document, refuse_deep
from .faults import FaultError, Faults
from .json_response import json_response

if TYPE_CHECKING:
    from starlette.requests import Request

    from .publishing import Publishing
    from .request_log import RequestLog

_SEEDS: Final = 2**63
_LARGEST_PLAN: Final = 100_000
"""The most bytes of a plan of faults."""


class Inspection:
    """The endpoints of requests and faults."""

    def __init__(self, log: RequestLog, publishing: Publishing) -> None:
        self._log = log
        self._publishing = publishing

    async def ready(self, request: Request) -> Response:
        parameters.refuse_others(request)
        return json_response({"status": "ready"})

    async def requests(self, request: Request) -> Response:
        outcome = parameters.outcome_of(request)
        kept = [one.as_dict() for one in self._log if outcome is None or one.outcome.endswith(outcome)]
        connections = len({one["connection"] for one in kept})
        return json_response({"total": self._log.total, "connections": connections, "requests": kept})

    async def forget_requests(self, request: Request) -> Response:
        parameters.refuse_others(request)
        self._log.clear()
        return Response(status_code=204)

    async def faults(self, request: Request) -> Response:
        parameters.refuse_others(request)
        return self._shown_faults()

    def _shown_faults(self) -> Response:
        faults = self._publishing.faults
        return json_response({"seed": faults.seed, "faults": faults.plan, "fired": faults.fired})

    async def set_faults(self, request: Request) -> Response:
        """The body is `{"faults": {kind: {…}}, "seed": n}`. It replaces the faults that were set before."""
        parameters.refuse_others(request)
        given = _mapping(await read_body(request, most=_LARGEST_PLAN))
        seed = given.get("seed", self._publishing.faults.seed)
        plan = given.get("faults")
        if not isinstance(plan, dict) or type(seed) is not int or given.keys() - {"faults", "seed"}:
            raise FaultError('give {"faults": {"unavailable": {"count": 3}}, "seed": 7}; the seed may be left out')
        if not -_SEEDS <= seed < _SEEDS:
            raise FaultError(f"the seed is {seed}; give a whole number from {-_SEEDS} to {_SEEDS - 1}")
        self._publishing.faults = Faults(plan, seed)
        return self._shown_faults()

    async def clear_faults(self, request: Request) -> Response:
        parameters.refuse_others(request)
        self._publishing.faults = Faults({}, self._publishing.faults.seed)
        return Response(status_code=204)


def _mapping(body: bytes) -> dict[str, Any]:
    if len(body) > _LARGEST_PLAN:
        raise FaultError(f"a plan of faults has {_LARGEST_PLAN} bytes at most")
    found = read_document(body)
    refuse_deep(found)
    return found if isinstance(found, dict) else {}
