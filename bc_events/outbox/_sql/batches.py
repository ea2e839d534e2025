"""Batches: the requests that claimed rows are sent in, and the stamps by which a later claim finds them again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from bc_events._delivery.request import Request
from bc_events._delivery.wire import requests_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.store import Order


def stamps_of(requests: Sequence[Request[Row]]) -> Iterator[tuple[int, UUID, int, int]]:
    """For each row: its `seq`, and its request's key, first row and last row."""
    for request in requests:
        batch, seqs = uuid.UUID(request.key), [row.seq for row in request.events]
        first, last = seqs[0], seqs[-1]
        yield from ((seq, batch, first, last) for seq in seqs)


def requests_of(rows: Sequence[Row], limits: Limits, order: Order) -> Iterator[Request[Row]]:
    """A batch as it is, with its key; other rows one by one, or as many of a job as one request may hold."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.batch or (row.seq if order == "job" else row.job_id), []).append(row)
    for key, group in groups.items():
        if isinstance(key, uuid.UUID):
            yield Request.of(group, str(key))
        else:
            yield from requests_for(group, limits)
