"""The store of Django's databases passes what every store promises."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import NOT_PROVIDED

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import named
from bc_events.outbox._store.columns import COLUMNS, NAMES, SENT_COLUMNS
from bc_events.outbox.django import DjangoOutbox
from bc_events.outbox.django.models import OutboxRow, SentRow
from tests.outbox.conformance import *  # noqa: F403
from tests.outbox.unreadable_rows import *  # noqa: F403

from .databases import create_tables


@pytest.fixture
def two_stores(alias):
    stores = DjangoOutbox(alias).store, DjangoOutbox(alias).store
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def store(two_stores):
    return two_stores[0]


def described(alias, table=schema.TABLE, made_of=COLUMNS):
    """Columns with their types, indexes and options, as the database knows them."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, table)
        constraints = connection.introspection.get_constraints(cursor, table)
        options = []
        if connection.vendor == "postgresql":
            cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [table])
            options = cursor.fetchone()
    # MariaDB has a type for UUIDs, which Django takes. The schema's 32 digits are for MySQL too.
    uuids = {column.name for column in made_of if column.kind == "uuid"}
    kinds = {
        column.name: (
            "UUIDField"
            if connection.vendor == "mysql" and column.name in uuids
            else connection.introspection.get_field_type(column.type_code, column),
            column.null_ok and column.name != "seq",
        )
        for column in columns
    }
    named = {**schema.INDEXES, **schema.SENT_INDEXES}
    indexes = {name: found["columns"] for name, found in constraints.items() if name in named}
    return kinds, indexes, options


FIELDS = {
    "sequence": "BigAutoField",
    "uuid": "UUIDField",
    "text": "TextField",
    "time": "FloatField",
    "count": "IntegerField",
    "number": "BigIntegerField",
}


def test_the_model_has_the_columns_of_the_table():
    """Django needs them written out. All others are derived from one list."""
    declared = [
        (field.column, field.get_internal_type(), field.null, field.unique and not field.primary_key, field.db_default)
        for field in OutboxRow._meta.fields
    ]
    assert declared == [
        (
            *(column.name, FIELDS[column.kind], column.is_nullable, column.is_unique),
            NOT_PROVIDED if column.default is None else column.default,
        )
        for column in COLUMNS
    ]


def test_the_archive_s_model_has_the_columns_of_the_archive():
    declared = {
        (field.column, field.get_internal_type(), field.null, field.db_default) for field in SentRow._meta.fields
    }
    assert declared == {(column.name, FIELDS[column.kind], column.is_nullable, NOT_PROVIDED) for column in SENT_COLUMNS}


def test_the_migrations_make_what_the_model_declares():
    call_command("makemigrations", "bc_events_outbox", check=True, dry_run=True, verbosity=0)


def test_the_migrations_make_the_tables_that_the_schema_describes(alias):
    def both():
        return described(alias), described(alias, schema.SENT, SENT_COLUMNS)

    migrated, archive = both()
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {schema.TABLE}")
        cursor.execute(f"DROP TABLE {schema.SENT}")
        for statement in schema.creation(named(connection.vendor)):
            cursor.execute(statement)
    assert both() == (migrated, archive)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {schema.TABLE}")
        cursor.execute(f"DROP TABLE {schema.SENT}")
    create_tables(alias)
    assert set(migrated[0]) == set(NAMES)
    assert set(archive[0]) == {column.name for column in SENT_COLUMNS}
    assert set(migrated[1]) == set(schema.WHOLE_INDEXES if connection.vendor == "mysql" else schema.INDEXES)
    assert set(archive[1]) == set(schema.SENT_INDEXES)


def test_the_migration_passes_a_database_that_a_router_keeps_the_model_out_of(alias, settings):
    class Router:
        def allow_migrate(self, db, app_label, model_name=None, **_hints):
            return False if model_name == "outboxrow" else None

    def migrate(*arguments, **options):
        call_command("migrate", "bc_events_outbox", *arguments, database=alias, verbosity=0, **options)

    migrate("zero")
    try:
        settings.DATABASE_ROUTERS = [Router()]
        migrate()
        assert {schema.TABLE, schema.SENT}.isdisjoint(connections[alias].introspection.table_names())
    finally:
        settings.DATABASE_ROUTERS = []
        migrate("zero", fake=True)
        migrate()
