"""Programs without transactions of the application's: direct, and with the outbox in a SQLite file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path

from bc_events import EventClient
from bc_events.outbox import SQLiteOutbox

from .arrivals import Arrivals
from .lanes import TOPICS
from .parts import Rules, none_of_them
from .programs import Step


class NoDatabases:
    def begin(self, step: Step) -> None:
        raise AssertionError(f"there is no transaction to begin: {step}")

    def close(self) -> None:
        pass


class Direct:
    is_async = False
    rules = Rules(none_of_them, databases=())

    def __init__(self) -> None:
        self._arrivals = Arrivals()

    def client(self) -> AbstractContextManager[EventClient]:
        self._arrivals = Arrivals()
        return EventClient(None, "PolicyService", TOPICS, delivery=self._arrivals)

    def databases(self) -> NoDatabases:
        return NoDatabases()

    def arrived(self) -> list[int]:
        return self._arrivals.numbers


class File:
    is_async = False
    rules = Rules(none_of_them, databases=())

    def __init__(self, file: Path) -> None:
        self._file = file
        self.client().close()

    def client(self) -> EventClient:
        """Without an API url nothing relays."""
        return EventClient(None, "PolicyService", TOPICS, outbox=SQLiteOutbox(self._file, relay=False))

    def databases(self) -> NoDatabases:
        return NoDatabases()

    def arrived(self) -> list[int]:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'bc_outbox'").fetchone():
                return []
            found = connection.execute("SELECT payload FROM bc_outbox ORDER BY seq").fetchall()
            connection.execute("DELETE FROM bc_outbox")
        return [json.loads(payload)["data"]["id"] for (payload,) in found]
