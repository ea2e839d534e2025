"""The columns of the outbox table, and those of its archive. They are written down here alone.

The SQL that makes the table, the SQLAlchemy table and the INSERT are derived from them. Django needs its model and its
migration written out, so a test compares those.

`id`, `aggregatetype`, `aggregateid`, `type` and `payload` are what Debezium's outbox event router reads by default.
`seq` is the primary key, because Django has no automatic field that is not one. Times are seconds of the Unix epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["sequence", "uuid", "text", "time", "count", "number"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """`attribute` is its name in a `Row`. A publisher gives the value where `is_given`; a relay writes the others."""

    name: str
    kind: Kind
    attribute: str
    is_given: bool = False
    is_nullable: bool = False
    is_unique: bool = False
    default: int | None = None


COLUMNS: Final = (
    TableColumn("seq", "sequence", "seq"),
    TableColumn("id", "uuid", "id", is_given=True, is_unique=True),
    TableColumn("aggregatetype", "text", "category", is_given=True),
    TableColumn("aggregateid", "text", "job_id", is_given=True),
    TableColumn("type", "text", "topic", is_given=True),
    TableColumn("payload", "text", "payload", is_given=True),
    TableColumn("created_at", "time", "created_at", is_given=True),
    TableColumn("available_at", "time", "available_at", default=0),
    TableColumn("attempts", "count", "attempts", default=0),
    TableColumn("lease", "uuid", "lease", is_nullable=True),
    TableColumn("batch", "uuid", "batch", is_nullable=True),
    TableColumn("batch_first", "number", "batch_first", is_nullable=True),
    TableColumn("batch_last", "number", "batch_last", is_nullable=True),
    TableColumn("service", "text", "service", is_given=True),
    TableColumn("trace", "text", "trace", is_given=True, is_nullable=True),
    TableColumn("last_error", "text", "last_error", is_nullable=True),
    TableColumn("dead_at", "time", "dead_at", is_nullable=True),
)
SENT_COLUMNS: Final = (
    TableColumn("seq", "number", "seq"),
    TableColumn("id", "uuid", "id"),
    TableColumn("aggregatetype", "text", "category"),
    TableColumn("aggregateid", "text", "job_id"),
    TableColumn("type", "text", "topic"),
    TableColumn("payload", "text", "payload"),
    TableColumn("created_at", "time", "created_at"),
    TableColumn("sent_at", "time", "sent_at"),
    TableColumn("attempts", "count", "attempts"),
    TableColumn("idempotency_key", "uuid", "idempotency_key", is_nullable=True),
    TableColumn("api_event_id", "text", "api_event_id", is_nullable=True),
    TableColumn("service", "text", "service"),
    TableColumn("trace", "text", "trace", is_nullable=True),
)
"""Those of the archive. `idempotency_key` is the `batch` that the row had."""
NAMES: Final = tuple(column.name for column in COLUMNS)
GIVEN: Final = tuple(column for column in COLUMNS if column.is_given)
