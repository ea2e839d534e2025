from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import migrations, models
from django.db.models import Index, Q

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.operations.base import Operation


def _set_options(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """For PostgreSQL: room beside each row, to write a claimed row without changing indexes; and early clean-ups."""
    if editor.connection.vendor == "postgresql":
        editor.execute(
            "ALTER TABLE bc_outbox SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, "
            "autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)"
        )


def _compare_bytes(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """For MySQL: ids or topics that differ in the case of a letter are not equal. An index cannot have a condition, so
    it has the column of the condition.
    """
    if editor.connection.vendor != "mysql":
        return
    # Those that Django would make at the end of the migration have the conditions left out.
    editor.deferred_sql = [waiting for waiting in editor.deferred_sql if not waiting.references_table("bc_outbox")]
    editor.execute("ALTER TABLE bc_outbox CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ENGINE = InnoDB")
    editor.execute("ALTER TABLE bc_outbox MODIFY aggregateid varchar(255) NOT NULL")
    editor.execute("CREATE INDEX bc_outbox_ready_v1 ON bc_outbox (dead_at, seq)")
    editor.execute("CREATE INDEX bc_outbox_job ON bc_outbox (aggregateid, dead_at, seq)")


class Migration(migrations.Migration):
    """Version 1 of the table."""

    initial: ClassVar[bool | None] = True
    dependencies: ClassVar[Sequence[tuple[str, str]]] = []
    operations: ClassVar[Sequence[Operation]] = [
        migrations.CreateModel(
            name="OutboxRow",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("event_id", models.UUIDField(db_column="id", unique=True)),
                ("category", models.TextField(db_column="aggregatetype")),
                ("job_id", models.TextField(db_column="aggregateid")),
                ("topic", models.TextField(db_column="type")),
                ("payload", models.TextField()),
                ("created_at", models.FloatField()),
                ("available_at", models.FloatField(db_default=0.0)),
                ("attempts", models.IntegerField(db_default=0)),
                ("lease", models.UUIDField(null=True)),
                ("batch", models.UUIDField(null=True)),
                ("batch_first", models.BigIntegerField(null=True)),
                ("batch_last", models.BigIntegerField(null=True)),
                ("service", models.TextField()),
                ("trace", models.TextField(null=True)),
                ("last_error", models.TextField(null=True)),
                ("dead_at", models.FloatField(null=True)),
            ],
            options={
                "verbose_name": "outbox row",
                "db_table": "bc_outbox",
                "ordering": ["seq"],
                "default_permissions": ["view", "replay"],
                "indexes": [
                    Index(condition=Q(dead_at__isnull=True), fields=["seq"], name="bc_outbox_ready_v1"),
                    Index(condition=Q(dead_at__isnull=True), fields=["job_id", "seq"], name="bc_outbox_job"),
                    Index(condition=Q(dead_at__isnull=False), fields=["seq"], name="bc_outbox_dead"),
                ],
            },
        ),
        migrations.RunPython(_set_options, migrations.RunPython.noop, hints={"model_name": "outboxrow"}),
        migrations.RunPython(
            _compare_bytes, migrations.RunPython.noop, hints={"model_name": "outboxrow"}, atomic=False
        ),
    ]
