"""Rows of a stream: change data capture reads them in the log of the database, and the table stays empty.

The publisher puts them into requests, because no relay does. A row says with which others it is one request, under
which `Idempotency-Key`. So whoever sends them sends the same requests with the same keys, each time that it reads them.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from bc_events._delivery.wire import requests_for

from .columns import COLUMNS, GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bc_events._delivery.request import Limits

    from .row import Row

STREAMED: Final = (*GIVEN, *(column for column in COLUMNS if column.name in ("batch", "batch_first", "batch_last")))
"""The columns of a row that a stream has. `batch_first` is its place in its request, counted from 1. `batch_last` is
the number of rows in that request."""
_REQUESTS: Final = uuid.UUID("7d1f7b0a-5a0e-4d0f-8f43-0c7a1d2b9e65")


def streamed(rows: Sequence[Row], limits: Limits) -> list[Row]:
    """The rows of one transaction, put into requests. The rows of a request follow each other.

    A request has one job and one category, because each category may have a topic of its own in Kafka.
    """
    of_job: dict[str, list[Row]] = {}
    for row in rows:
        of_job.setdefault(row.job_id, []).append(row)
    runs = [list(run) for of_one in of_job.values() for _, run in groupby(of_one, lambda row: row.category)]
    return [row for run in runs for request in requests_for(run, limits) for row in _stamped(request.events)]


def _stamped(rows: Sequence[Row]) -> Iterator[Row]:
    """The same events have the same key, also if they are stored again because a commit had an unknown outcome."""
    key = uuid.uuid5(_REQUESTS, ",".join(str(row.id) for row in rows))
    for place, row in enumerate(rows, 1):
        yield replace(row, batch=key, batch_first=place, batch_last=len(rows))
