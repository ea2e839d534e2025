"""ReceivedRequest: one request to the local Events API, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

Outcome = Literal["accepted", "partly refused", "refused", "repeated", "faulted"]


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that meant to publish, also if it was refused or sent to a wrong path.

    `status` is None if no response was sent. `records` is the number of its events, and 0 if it was not read that far.
    `topics` and `actors` (such as `"user 5c1d7e0a"`) are those of its events, each once. `reason` says why the request,
    or a record of it, was refused. `fault` is the injected fault that it met. `is_replay`: its idempotency key was
    known, so it got the first response again and nothing was stored. `connection` tells connections apart. `method`
    and `path` are empty if a client sent something else than HTTP, such as TLS.
    """

    number: int
    received: datetime
    method: str = ""
    path: str = ""
    status: int | None = None
    records: int = 0
    refused_records: int = 0
    topics: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    size: int = 0
    job_id: str | None = None
    idempotency_key: str | None = None
    reason: str | None = None
    fault: str | None = None
    is_replay: bool = False
    has_authorization: bool = False
    connection: str = ""

    @property
    def outcome(self) -> Outcome:
        """The outcome of the request, in a word or two."""
        if self.is_replay:
            return "repeated"
        if self.fault not in (None, "latency"):
            return "faulted"
        if self.status is None or not 200 <= self.status < 300:  # noqa: PLR2004
            return "refused"
        if not self.refused_records:
            return "accepted"
        return "refused" if self.refused_records == self.records else "partly refused"

    def as_dict(self) -> dict[str, Any]:
        """Its fields and its outcome, as `GET /api/requests` shows them."""
        return {**asdict(self), "outcome": self.outcome}
