"""OutboxRow and SentRow: the outbox's table and its archive, for Django's migrations and its admin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from bc_events.outbox._sql import schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

_FIELDS = {"aggregateid": "job_id"}


def _indexes() -> Sequence[models.Index]:
    """The indexes of `schema.INDEXES`. Each of their conditions says whether a column is null."""
    return [
        models.Index(
            fields=[str(_FIELDS.get(column, column)) for column in columns],
            name=name,
            condition=models.Q(**{f"{condition.partition(' ')[0]}__isnull": "NOT" not in condition}),
        )
        for name, (columns, condition) in schema.INDEXES.items()
    ]


class OutboxRow(models.Model):
    """An event that waits for a relay, or a dead letter. Relays write the table without this model."""

    seq: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    event_id: models.UUIDField[UUID, UUID] = models.UUIDField(unique=True, db_column="id")
    category: models.TextField[str, str] = models.TextField(db_column="aggregatetype")
    job_id: models.TextField[str, str] = models.TextField(db_column="aggregateid")
    topic: models.TextField[str, str] = models.TextField(db_column="type")
    payload: models.TextField[str, str] = models.TextField()
    created_at: models.FloatField[float, float] = models.FloatField()
    available_at: models.FloatField[float, float] = models.FloatField(db_default=0.0)
    attempts: models.IntegerField[int, int] = models.IntegerField(db_default=0)
    lease: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(null=True)
    batch: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(null=True)
    batch_first: models.BigIntegerField[int | None, int | None] = models.BigIntegerField(null=True)
    batch_last: models.BigIntegerField[int | None, int | None] = models.BigIntegerField(null=True)
    service: models.TextField[str, str] = models.TextField()
    trace: models.TextField[str | None, str | None] = models.TextField(null=True)  # noqa: DJ001  the table's other owners write NULL
    last_error: models.TextField[str | None, str | None] = models.TextField(null=True)  # noqa: DJ001
    dead_at: models.FloatField[float | None, float | None] = models.FloatField(null=True)

    class Meta:
        db_table: ClassVar[str] = schema.TABLE
        ordering: ClassVar[list[str]] = ["seq"]
        indexes: ClassVar[Sequence[models.Index]] = _indexes()
        default_permissions: ClassVar[list[str]] = ["view", "replay"]
        verbose_name = "outbox row"

    def __str__(self) -> str:
        return f"{self.topic} {self.event_id}"

    @property
    def is_dead(self) -> bool:
        return self.dead_at is not None

    @property
    def published(self) -> datetime:
        """The time of the event, in UTC."""
        return datetime.fromtimestamp(self.created_at, UTC)


class SentRow(models.Model):
    """An event in the archive. Relays write the table without this model.

    Django needs a primary key of one column, and looks a row up by it. In the database that column only has an index.
    """

    event_id: models.UUIDField[UUID, UUID] = models.UUIDField(primary_key=True, db_column="id")
    seq: models.BigIntegerField[int, int] = models.BigIntegerField()
    category: models.TextField[str, str] = models.TextField(db_column="aggregatetype")
    job_id: models.TextField[str, str] = models.TextField(db_column="aggregateid")
    topic: models.TextField[str, str] = models.TextField(db_column="type")
    payload: models.TextField[str, str] = models.TextField()
    created_at: models.FloatField[float, float] = models.FloatField()
    sent_at: models.FloatField[float, float] = models.FloatField()
    attempts: models.IntegerField[int, int] = models.IntegerField()
    idempotency_key: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(null=True)
    api_event_id: models.TextField[str | None, str | None] = models.TextField(null=True)  # noqa: DJ001  as above
    service: models.TextField[str, str] = models.TextField()
    trace: models.TextField[str | None, str | None] = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        db_table: ClassVar[str] = schema.SENT
        ordering: ClassVar[list[str]] = ["-sent_at", "-seq"]
        default_permissions: ClassVar[list[str]] = ["view"]
        verbose_name = "sent event"

    def __str__(self) -> str:
        return f"{self.topic} {self.event_id}"

    @property
    def sent(self) -> datetime:
        """In UTC."""
        return datetime.fromtimestamp(self.sent_at, UTC)
