"""The events that are relayed: rows of an outbox, and the requests in which they travel."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from functools import partial

from bc_events._delivery.request import Request
from bc_events.outbox._store.row import Row
from tests.benchmarks.calls import DATA


@dataclass(frozen=True)
class Workload:
    """So many jobs with so many events each. In the `order` of jobs, each event is a request by itself."""

    jobs: int
    per_job: int
    order: str = "time"

    @property
    def events(self) -> int:
        return self.jobs * self.per_job

    def rows(self) -> list[Row]:
        return [row(number, f"job-{number // self.per_job}") for number in range(self.events)]

    def requests(self) -> list[tuple[str, bytes, dict[str, str]]]:
        """The path, body and headers of each; with new keys, because the API knows those that it has answered."""
        rows = self.rows()
        size = 1 if self.order == "job" else self.per_job
        made = [Request.of(rows[start : start + size]) for start in range(0, len(rows), size)]
        return [(one.path, one.body, one.headers) for one in made]


def row(number: int, job: str) -> Row:
    data = json.dumps({**DATA, "number": number})
    envelope = (
        f'{{"action":"Created","category":"policies","entity":"Policy","data":{data},'
        '"actor":{"id":"PolicyService","type":"service"}}'
    )
    make = partial(Row, uuid.uuid4(), "policies", job, "policies.PolicyCreated", envelope)
    return make(time.time(), "PolicyService")
