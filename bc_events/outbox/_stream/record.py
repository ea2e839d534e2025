"""StreamRecord and DeadRecord: what a consumer of Kafka hands over, and what it gets back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

Text = str | bytes | None
Headers = Mapping[str, Text] | Sequence[tuple[str, Text]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecord:
    """A record as a client library of Kafka has read it.

    `key` is the job id, and `payload` the event's envelope. `partition` is any value that names where the record was
    read, such as a `TopicPartition`; records of one partition come in the order of their `offset`.
    """

    key: Text
    payload: Text = field(repr=False)
    headers: Headers
    partition: Hashable
    offset: int


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record that the Events API will never take, or that cannot be read, and why."""

    record: StreamRecord
    reason: str
