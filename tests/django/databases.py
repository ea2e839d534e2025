"""Databases of the outbox's own tests, SQLite, PostgreSQL and MariaDB, beside those that Django's test runner makes."""

from __future__ import annotations

from importlib.util import find_spec

import pymysql
import pytest
from django.core.management import call_command
from django.db import connections

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import named
from bc_events.outbox.django.models import OutboxRow, SentRow
from tests.django.policies.models import Policy


def _made(alias, **settings):
    connections.databases[alias] = {**connections.databases["default"], "OPTIONS": {}, **settings}
    call_command("migrate", "bc_events_outbox", database=alias, verbosity=0)
    with connections[alias].schema_editor() as editor:
        editor.create_model(Policy)


@pytest.fixture(scope="session")
def sqlite_alias(tmp_path_factory, django_db_blocker):
    with django_db_blocker.unblock():
        _made("sqlite", NAME=str(tmp_path_factory.mktemp("sqlite") / "app.db"), OPTIONS={"timeout": 20})
        yield "sqlite"
        connections["sqlite"].close()
    del connections.databases["sqlite"]


@pytest.fixture(scope="session")
def postgres_alias(postgres, django_db_blocker):
    postgres.create_database("django")
    with django_db_blocker.unblock():
        address = {"NAME": "django", "USER": "postgres", "HOST": str(postgres.folder), "PORT": ""}
        _made("postgres", ENGINE="django.db.backends.postgresql", **address)
        yield "postgres"
        connections["postgres"].close()
    del connections.databases["postgres"]


@pytest.fixture(scope="session")
def mariadb_alias(mariadb, django_db_blocker):
    if find_spec("MySQLdb") is None:
        pymysql.install_as_MySQLdb()
    mariadb.create_database("django")
    with django_db_blocker.unblock():
        options = {"unix_socket": str(mariadb.socket), "charset": "utf8mb4"}
        address = {"NAME": "django", "USER": "root", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": options}
        _made("mariadb", ENGINE="django.db.backends.mysql", **address)
        yield "mariadb"
        connections["mariadb"].close()
    del connections.databases["mariadb"]


def create_tables(alias):
    """Makes the outbox's tables as the migrations do: MariaDB has a type for UUIDs, which Django uses."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        for statement in schema.creation(named(connection.vendor)):
            cursor.execute(statement.replace("char(32)", connection.data_types["UUIDField"]))


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def alias(request, django_db_blocker):
    """A migrated database, emptied after each test."""
    alias = request.getfixturevalue(f"{request.param}_alias")
    with django_db_blocker.unblock():
        yield alias
        for model in (OutboxRow, SentRow, Policy):
            model.objects.using(alias).all().delete()
