"""Records of a stream, as the event router makes them of rows."""

from __future__ import annotations

import json

from bc_events._delivery.request import Limits
from bc_events.outbox import StreamRecord, StreamRelay
from bc_events.outbox._store.streamed import streamed
from tests.outbox.service import QUICK, client_of, row


class Topic:
    """One partition of a topic. A consumer reads it from a position."""

    def __init__(self, partition="events-0") -> None:
        self.partition = partition
        self.records: list[StreamRecord] = []

    def commit(self, *numbers: int, job: str = "job-1", limit: int = 250, **fields) -> list[StreamRecord]:
        """The records of a transaction with these events."""
        rows = streamed([row(number, job, **fields) for number in numbers], Limits(events=limit))
        return [self.add(one) for one in rows]

    def add(self, one, **fields) -> StreamRecord:
        headers = {
            "id": str(one.id),
            "topic": one.topic,
            "service": one.service,
            "traceparent": one.trace,
            "request_key": None if one.batch is None else one.batch.hex,
            "request_place": None if one.batch is None else str(one.batch_first),
            "request_size": None if one.batch is None else str(one.batch_last),
        }
        values = {
            "key": one.job_id.encode(),
            "payload": one.payload.encode(),
            "headers": [(name, None if value is None else value.encode()) for name, value in headers.items()],
            "partition": self.partition,
            "offset": len(self.records),
        }
        self.records.append(StreamRecord(**{**values, **fields}))
        return self.records[-1]

    def again(self, records) -> None:
        """Change data capture was killed, and repeats these records."""
        for record in records:
            values = {name: getattr(record, name) for name in ("key", "payload", "headers", "partition")}
            self.records.append(StreamRecord(**values, offset=len(self.records)))


def stream_relay(api, dead=None, **options) -> StreamRelay:
    on_dead = options.pop("on_dead", (lambda _one: None) if dead is None else dead.append)
    return StreamRelay(client_of(api.url, None), on_dead=on_dead, **{"settings": QUICK, **options})


def number_of(record: StreamRecord) -> int:
    return json.loads(record.payload)["data"]["number"]
