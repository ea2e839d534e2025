"""An Events API, and empty outboxes, for each test that wants one."""

from __future__ import annotations

import pytest

from bc_events.cli import main
from bc_events.local import LocalEventsAPI
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlite.database import SQLiteDatabase


@pytest.fixture
def postgres_url(postgres):
    """The URL of a database that has an empty outbox table and nothing else."""
    with postgres.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        for statement in schema.creation(POSTGRESQL):
            connection.execute(statement)
    return postgres.url()


@pytest.fixture
def mariadb_url(mariadb):
    """The URL of a MariaDB database that has an empty outbox table and nothing else."""
    mariadb.run("DROP DATABASE IF EXISTS app")
    mariadb.create_database("app")
    mariadb.run(*schema.creation(MYSQL), database="app")
    return mariadb.url()


@pytest.fixture
def api():
    with LocalEventsAPI() as api:
        yield api


@pytest.fixture
def store(tmp_path):
    """An empty store in a file."""
    store = TableStore(SQLiteDatabase(tmp_path / "events.db", max_bytes=1 << 30, busy_timeout=5))
    yield store
    store.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def outbox(path):
    """An outbox whose relay is elsewhere."""
    outbox = SQLiteOutbox(path, relay=False)
    yield outbox
    outbox.store.close()


@pytest.fixture
def run(capsys):
    """The command in this process: its exit code, and its lines."""

    def run(*arguments: str):
        with pytest.raises(SystemExit) as ended:
            main(["outbox", *arguments])
        printed = capsys.readouterr()
        run.error = printed.err
        return ended.value.code, printed.out.splitlines()

    return run
