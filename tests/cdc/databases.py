"""The databases whose logs are read, each with its configuration of Debezium, which is the one that the docs show."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL
from tests.mariadb import MariaDB, found_program
from tests.postgres import PostgreSQL

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "cdc"
WORK = "CREATE TABLE work (name varchar(100) PRIMARY KEY, job varchar(100) NOT NULL, envelope text NOT NULL)"
"""The application's own table. Its committed rows say which events must come out."""


class LoggedPostgreSQL:
    """PostgreSQL with `wal_level=logical`."""

    def __init__(self) -> None:
        self._port = free_port()
        self.server = PostgreSQL(wal_level="logical", listen_addresses="127.0.0.1", port=self._port).start()
        self.url = self.server.url()
        for statement in (*schema.creation(POSTGRESQL), WORK, *statements("postgresql.sql")):
            self.query(statement)

    def query(self, sql: str) -> list[tuple]:
        with self.server.connect() as connection:
            found = connection.execute(sql)
            return found.fetchall() if found.description else []

    def configuration(self, folder: Path) -> dict[str, str]:
        return {
            **shown("postgresql.json"),
            **engine_only(folder),
            "database.hostname": "127.0.0.1",
            "database.port": str(self._port),
            "database.dbname": "postgres",
        }

    def is_read(self) -> bool:
        return bool(self.query("SELECT 1 FROM pg_replication_slots WHERE active"))

    def stop(self) -> None:
        self.server.stop()


class LoggedMariaDB:
    """MariaDB with a binlog.

    The wheel of the engine has Debezium's connector for MySQL, and none for MariaDB. That connector asks a server that
    calls itself 8.4 or later for things that MariaDB does not have. So this server calls itself 8.0 first. Its version
    of MariaDB follows, which SQLAlchemy reads.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self.server = MariaDB(
            skip_networking=0,
            bind_address="127.0.0.1",
            port=self._port,
            log_bin="binlog",
            binlog_format="ROW",
            binlog_row_image="FULL",
            server_id=1,
            version=f"8.0.2-{_version()}",
        ).start()
        self.server.create_database("app")
        self.url = self.server.url()
        self.server.run(*schema.creation(MYSQL), WORK, *statements("mariadb.sql"), database="app")

    def query(self, sql: str) -> list[tuple]:
        return self.server.run(sql, database="app")

    def configuration(self, folder: Path) -> dict[str, str]:
        without_kafka = {
            name: value for name, value in shown("mysql.json").items() if "schema.history.internal.kafka" not in name
        }
        return {
            **without_kafka,
            **engine_only(folder),
            "database.hostname": "127.0.0.1",
            "database.port": str(self._port),
            "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
            "schema.history.internal.file.filename": str(folder / "history"),
        }

    def is_read(self) -> bool:
        return bool(self.query("SELECT 1 FROM information_schema.processlist WHERE command LIKE 'Binlog%'"))

    def stop(self) -> None:
        self.server.stop()


DATABASES = {"postgresql": LoggedPostgreSQL, "mariadb": LoggedMariaDB}


def shown(name: str) -> dict[str, str]:
    """A configuration that the docs show."""
    return json.loads((EXAMPLES / name).read_text())


def statements(name: str) -> Sequence[str]:
    return [one.strip() for one in (EXAMPLES / name).read_text().split(";") if one.strip()]


def engine_only(folder: Path) -> dict[str, str]:
    """What Kafka Connect sees to, and the embedded engine is told."""
    return {
        "name": "app",
        "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
        "offset.storage.file.filename": str(folder / "offsets"),
        "offset.flush.interval.ms": "1000",
        "poll.interval.ms": "50",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _version() -> str:
    told = subprocess.run([found_program("mariadbd"), "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"\d+\.\d+\.\d+-MariaDB", told)[0]
