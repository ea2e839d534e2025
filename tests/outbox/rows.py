"""Rows and claims, as tests of stores make them and look at them."""

from __future__ import annotations

import uuid

from bc_events._delivery.request import Limits
from bc_events.outbox._store.row import Row
from bc_events.outbox._store.store import Failure, Settlement

LIMITS = Limits()


def row(number: int, job: str = "job-1", payload: str | None = None) -> Row:
    envelope = f'{{"action":"Created","category":"testing","entity":"Thing","data":{{"number":{number}}}}}'
    return Row(
        id=uuid.uuid4(),
        category="testing",
        job_id=job,
        topic="testing.ThingCreated",
        payload=payload or envelope,
        created_at=1_700_000_000.5 + number,
        service="PolicyService",
        trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def claimed(store, *, limit: int = 250, seconds: float = 60, limits: Limits = LIMITS, order="time"):
    return store.claim(limit=limit, seconds=seconds, limits=limits, order=order)


def ids(rows) -> list[uuid.UUID]:
    return [one.id for one in rows]


def rows_of(claim) -> list[Row]:
    return [one for request in claim.requests for one in request.events]


def in_claim(claim) -> list[uuid.UUID]:
    return [] if claim is None else ids(rows_of(claim))


def shape(claim) -> list[tuple[str, bytes]]:
    return [(request.key, request.body) for request in claim.requests]


def store_dead(outbox, *rows) -> None:
    """Stores these rows as dead letters."""
    outbox.store.add(rows)
    claim = outbox.store.claim(limit=250, seconds=60, limits=Limits())
    failed = [Failure(one, "HTTP 400") for request in claim.requests for one in request.events]
    outbox.store.settle(claim.lease, Settlement([], failed))
