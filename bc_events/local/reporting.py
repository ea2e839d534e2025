"""The endpoints of reports, `/api/reports`, and of what they tell: `/api/jobs/{job}` and `/api/unsent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from bc_events.constants import REPORTS_SERVER

from .body import read_body
from .connection import ClosedConnection
from .json_response import json_response, refusal
from .parameters import refuse_others, whole
from .report import MOST_BYTES, read_batch

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from .lines import Lines
    from .report_store import ReportStore

_UNSENT: Final = 100
_MOST_UNSENT: Final = 1_000
_IDENTITY: Final = orjson.dumps({"server": REPORTS_SERVER})
_JSON: Final = "application/json"


class Reporting:
    """Takes reports, and shows what they tell."""

    def __init__(self, store: ReportStore, lines: Lines) -> None:
        self._store = store
        self._lines = lines

    async def identity(self, _request: Request) -> Response:
        """Clients ask for it before they report anything."""
        return Response(_IDENTITY, media_type=_JSON)

    async def take(self, request: Request) -> ASGIApp:
        try:
            body = await read_body(request, most=MOST_BYTES)
        except ClientDisconnect:  # its process has ended
            return ClosedConnection()
        self._store.add(read_batch(body))
        return Response(status_code=204)

    async def forget(self, request: Request) -> Response:
        refuse_others(request)
        self._store.clear()
        return Response(status_code=204)

    async def job(self, request: Request) -> Response:
        refuse_others(request)
        line = await run_in_threadpool(self._lines.of, request.path_params["job_id"])
        if line.is_empty:
            return refusal("nothing came for a job with this id, and nothing was reported about one", 404)
        return Response(await run_in_threadpool(lambda: line.json), media_type=_JSON)

    async def unsent(self, request: Request) -> Response:
        refuse_others(request, "limit", example="limit=10")
        found = self._store.unsent(whole(request, "limit", _UNSENT, most=_MOST_UNSENT))
        return json_response({"unsent": [one.as_dict() for one in found]})
