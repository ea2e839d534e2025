"""World: a database, a server that misbehaves, and the processes of one row."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg
import pymysql

from bc_events.local import LocalEventsAPI
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL
from tests.faults.actors import WORK, Relaying, relay
from tests.faults.result import Result, judged
from tests.mariadb import MariaDB
from tests.postgres import PostgreSQL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.dose import Dose

_PATIENCE = 120.0
_spawning = multiprocessing.get_context("forkserver")
# What every process needs is loaded once, and forked.
_spawning.set_forkserver_preload(["tests.faults.actors", "requests", "sqlalchemy.dialects.postgresql.psycopg"])


class World:
    """`chance` is the row's own: the same seed gives the same row."""

    def __init__(self, dose: Dose, seed: int) -> None:
        self.dose = dose
        self.seed = seed
        self.chance = random.Random(seed)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="faults")))
        self.postgres = PostgreSQL()
        self._stack.callback(self.postgres.stop)
        self.postgres.start()
        self.server: PostgreSQL | MariaDB = self.postgres
        self.api = self._stack.enter_context(LocalEventsAPI(seed=self.seed))
        return self

    def __exit__(self, *_exception) -> None:
        self._stack.close()

    @property
    def log(self) -> Path:
        """The output of the row's latest server."""
        return self.folder / "log"

    @property
    def database(self) -> str:
        return self.server.url()

    def begin(self, name: str) -> None:
        """A new row: nothing is stored, nothing goes wrong yet."""
        self.chance = random.Random(f"{self.seed}/{name}")
        self.api.clear()
        with self.postgres.connect() as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            for statement in (*schema.creation(POSTGRESQL), WORK):
                connection.execute(statement)

    @contextmanager
    def on_mariadb(self) -> Iterator[None]:
        """Until the end of the block, the outbox and the work are on MariaDB."""
        server = MariaDB().start()
        try:
            server.create_database("app")
            server.run(*schema.creation(MYSQL), WORK, database="app")
            self.server = server
            yield
        finally:
            self.server = self.postgres
            server.stop()

    def spawn(self, target: Callable, *arguments) -> multiprocessing.Process:
        process = _spawning.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process

    @contextmanager
    def relays(self, count: int = 2, **options) -> Iterator[list[multiprocessing.Process]]:
        """Relays in processes of their own; those in the list at the end are stopped in good order."""
        running = [self.relay(**options) for _ in range(count)]
        try:
            yield running
        finally:
            for process in running:
                end(process)

    def relay(self, **options) -> multiprocessing.Process:
        return self.spawn(relay, Relaying(self.database, self.api.url, **options))

    def query(self, sql: str):
        if isinstance(self.server, MariaDB):
            return self.server.run(sql, database="app")
        with self.postgres.connect() as connection:
            return connection.execute(sql).fetchall()

    def committed(self) -> set[str]:
        """The keys of the work that the application has committed."""
        return {key for (key,) in self.query("SELECT name FROM work")}

    def commits(self, count: int) -> None:
        """Waits until the application has committed so much more work."""
        target = len(self.committed()) + count
        self.until(lambda: len(self.committed()) >= target)

    def settle(self) -> None:
        """Waits until no event waits any more, or none has left for two minutes. The verdict counts events that still
        wait as lost.
        """
        left = self._waiting()
        with suppress(TimeoutError):
            while left:
                self.until(lambda most=left: self._waiting() < most)
                left = self._waiting()

    def _waiting(self) -> int:
        return self.query("SELECT count(*) FROM bc_outbox WHERE dead_at IS NULL")[0][0]

    def until(self, is_so: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Raises `TimeoutError`: a fault that has no work to disturb shows nothing."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                if is_so():
                    return
            except (psycopg.OperationalError, pymysql.Error):  # killed, and not back yet
                pass
            time.sleep(0.05)
        raise TimeoutError(f"it did not happen in {patience:g} s")

    def traffic(self, requests: int) -> None:
        """Waits until so many more events have come."""
        target = len(self.api.requests()) + requests
        self.until(lambda: len(self.api.requests()) >= target)

    def received(self) -> list[str]:
        return [event.data["key"] for event in self.api.events()]

    def replayed(self) -> int:
        """Records that came again in a request whose answer the server knew."""
        requests = self.api.requests()
        records = {request.idempotency_key: request.records for request in requests if not request.is_replay}
        return sum(records[request.idempotency_key] for request in requests if request.is_replay)

    def judged(self, expected: set[str] | None = None, *, may_double: bool = False) -> Result:
        expected = self.committed() if expected is None else expected
        return judged(expected, self.received(), self.replayed(), may_double=may_double)


def end(process: multiprocessing.Process) -> None:
    """SIGTERM, and if that does not help, SIGKILL."""
    if process.is_alive():
        os.kill(process.pid, signal.SIGTERM)
        process.join(30)
    if process.is_alive():
        process.kill()
        process.join()
