from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import migrations, models

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.operations.base import Operation


def _upgrade(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """On PostgreSQL the archive is partitioned, which Django has no operation for. MariaDB has a type for UUIDs, and
    Django has taken it for those of the outbox.
    """
    types = editor.connection.data_types
    for statement in schema.upgrade(named(editor.connection.vendor), 1):
        editor.execute(statement.replace("char(32)", types["UUIDField"]))


def _drop(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute("DROP TABLE IF EXISTS bc_outbox_sent")


class Migration(migrations.Migration):
    """Version 2 of the tables. Relays of version 1 may work meanwhile, and afterwards."""

    dependencies: ClassVar[Sequence[tuple[str, str]]] = [("bc_events_outbox", "0001_initial")]
    operations: ClassVar[Sequence[Operation]] = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="SentRow",
                    fields=[
                        ("event_id", models.UUIDField(db_column="id", primary_key=True, serialize=False)),
                        ("seq", models.BigIntegerField()),
                        ("category", models.TextField(db_column="aggregatetype")),
                        ("job_id", models.TextField(db_column="aggregateid")),
                        ("topic", models.TextField(db_column="type")),
                        ("payload", models.TextField()),
                        ("created_at", models.FloatField()),
                        ("sent_at", models.FloatField()),
                        ("attempts", models.IntegerField()),
                        ("idempotency_key", models.UUIDField(null=True)),
                        ("api_event_id", models.TextField(null=True)),
                        ("service", models.TextField()),
                        ("trace", models.TextField(null=True)),
                    ],
                    options={
                        "verbose_name": "sent event",
                        "db_table": "bc_outbox_sent",
                        "ordering": ["-sent_at", "-seq"],
                        "default_permissions": ["view"],
                    },
                ),
            ]
        ),
        migrations.RunPython(_upgrade, _drop, hints={"model_name": "outboxrow"}, atomic=False),
    ]
