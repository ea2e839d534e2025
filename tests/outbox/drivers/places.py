"""The places that the engines of the drivers' table lead to: a database with an outbox, on servers that speak TLS."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL, SQLITE
from tests.mariadb import MariaDB
from tests.pgbouncer import PgBouncer, free_port, is_installed
from tests.postgres import PostgreSQL

PASSWORD = "of-the-application"
"""Of the user `app`, who may connect by the socket, and of `secure`, who may connect by TCP under TLS alone."""
_HBA = "local all app scram-sha-256\nlocal all all trust\n"


@dataclass(frozen=True)
class Place:
    """A database `app` with an outbox and a table `policy`.

    `port` is that of a server with TLS, or 0. `ca` is the file of the authority that signed its certificate.
    """

    server: Any
    port: int = 0
    ca: Path = Path()
    file: Path = Path()

    def empty(self) -> None:
        """Empties its tables."""

    def policies(self) -> list[int]:
        """The ids of the application's work."""
        raise NotImplementedError

    def kill_connections(self) -> int:
        """Ends the connections to the database, on the server. Returns their number."""
        raise NotImplementedError


class OnPostgreSQL(Place):
    @property
    def socket(self) -> str:
        return str(self.server.folder)

    def empty(self) -> None:
        self._run("TRUNCATE bc_outbox, policy, tenant.bc_outbox, tenant.policy")

    def policies(self) -> list[int]:
        return [number for (number,) in self._run("TABLE policy UNION ALL TABLE tenant.policy ORDER BY 1")]

    def outboxes(self) -> tuple[int, int]:
        """The number of rows in the outbox of the schema `public`, and of `tenant`."""
        counts = (f"(SELECT count(*) FROM {schema}.bc_outbox)" for schema in ("public", "tenant"))
        ((public, tenant),) = self._run(f"SELECT {', '.join(counts)}")
        return public, tenant

    def kill_connections(self) -> int:
        killed = self._run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = 'app' AND pid <> pg_backend_pid()"
        )
        return len(killed)

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        with self.server.connect("app") as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []


class OnMariaDB(Place):
    @property
    def socket(self) -> str:
        return str(self.server.socket)

    def empty(self) -> None:
        self.server.run("DELETE FROM bc_outbox", "DELETE FROM policy", database="app")

    def policies(self) -> list[int]:
        return [number for (number,) in self.server.run("SELECT id FROM policy ORDER BY id", database="app")]

    def kill_connections(self) -> int:
        found = self.server.run("SELECT id FROM information_schema.processlist WHERE db = 'app'")
        self.server.run(*(f"KILL {number}" for (number,) in found), "SELECT 1")
        return len(found)


class InFile(Place):
    def empty(self) -> None:
        self.file.unlink(missing_ok=True)
        with sqlite3.connect(self.file) as connection:
            for statement in (*schema.creation(SQLITE), "CREATE TABLE policy (id INTEGER)"):
                connection.execute(statement)
        connection.close()

    def policies(self) -> list[int]:
        with sqlite3.connect(self.file) as connection:
            found = connection.execute("SELECT id FROM policy ORDER BY id").fetchall()
        connection.close()
        return [number for (number,) in found]

    def kill_connections(self) -> int:
        return 1  # there is no server: nothing but the process itself ends a connection


@contextmanager
def on_postgresql(server: PostgreSQL, folder: Path) -> Iterator[OnPostgreSQL]:
    """The wheel's server is built without TLS. So PgBouncer is in front of it, for clients by TCP."""
    server.allow(_HBA)
    server.create_database("app")
    with server.connect("app") as connection:
        for role in ("app", "secure"):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_write_all_data")
            connection.execute(f"GRANT pg_read_all_data TO {role}")
        connection.execute(
            "CREATE TABLE policy (id integer); CREATE SCHEMA tenant; CREATE TABLE tenant.policy (id integer)"
        )
        for statement in schema.creation(POSTGRESQL):
            connection.execute(statement)
        connection.execute("CREATE TABLE tenant.bc_outbox (LIKE public.bc_outbox INCLUDING ALL)")
    if not is_installed():
        yield OnPostgreSQL(server)
        return
    bouncer = PgBouncer(server, mode="session", passwords={"secure": PASSWORD})
    ca = _certify(bouncer, folder)
    try:
        yield OnPostgreSQL(server, bouncer.start().port, ca)
    finally:
        bouncer.stop()


@contextmanager
def on_mariadb(folder: Path) -> Iterator[OnMariaDB]:
    port = free_port()
    server = MariaDB(innodb_flush_log_at_trx_commit=0, skip_networking=0, bind_address="127.0.0.1", port=port)
    try:
        ca = _certify(server, folder)
        server.start()
        server.create_database("app")
        for user, demand in (("app@localhost", ""), ("secure@localhost", "REQUIRE SSL")):
            server.run(f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}' {demand}", f"GRANT ALL ON app.* TO {user}")
        server.run("CREATE TABLE policy (id integer)", *schema.creation(MYSQL), database="app")
        yield OnMariaDB(server, port, ca)
    finally:
        server.stop()


def _certify(server: Any, folder: Path) -> Path:
    """Gives the server a certificate of a new authority. Returns the file of that authority's own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1", "localhost")
    server.use_tls(certificate=issued.cert_chain_pems[0].bytes(), key=issued.private_key_pem.bytes())
    return folder / "ca.pem"
