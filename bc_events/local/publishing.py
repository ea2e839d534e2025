"""The two endpoints of the contract: `POST /events` and `POST /events/bulk/`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from .body import read_body
from .connection import HangUp
from .faults import Faults
from .intake import Answer, Submission
from .seen import SeenRequest

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from .intake import Intake
    from .seen import SeenRequests


class Publishing:
    """Reads a request, has it taken in, notes it and answers. `faults` may be replaced at any time."""

    def __init__(self, intake: Intake, seen: SeenRequests, seed: int) -> None:
        self._intake = intake
        self._seen = seen
        self.faults: Faults = Faults({}, seed)

    async def single(self, request: Request) -> ASGIApp:
        return await self._publish(request, is_bulk=False)

    async def bulk(self, request: Request) -> ASGIApp:
        return await self._publish(request, is_bulk=True)

    async def _publish(self, request: Request, *, is_bulk: bool) -> ASGIApp:
        faults = self.faults
        try:
            body = await read_body(request, most=self._intake.max_request_bytes)
        except ClientDisconnect:
            return HangUp()
        latency = faults.strikes("latency")
        if latency is not None:
            await asyncio.sleep(latency.get("ms", 100) / 1000)
        submission = Submission(body, request.headers, is_bulk)
        answer = self._intake.take(submission, faults)
        self._note(request, submission, answer)
        return HangUp() if answer.is_lost else _response(answer)

    def _note(self, request: Request, submission: Submission, answer: Answer) -> None:
        client = request.client
        self._seen.add(
            SeenRequest(
                number=self._seen.next_number(),
                received=datetime.now(UTC),
                path=request.scope["path"],
                status=None if answer.is_lost else answer.status,
                records=answer.records,
                size=len(submission.body),
                job_id=submission.job_id,
                idempotency_key=submission.key,
                fault=answer.fault,
                is_replay=answer.is_replay,
                has_authorization="authorization" in request.headers,
                connection=f"{client.host}:{client.port}" if client else "",
            )
        )


def _response(answer: Answer) -> Response:
    headers = {} if answer.retry_after is None else {"Retry-After": str(answer.retry_after)}
    return Response(answer.body, answer.status, headers, media_type="application/json")
