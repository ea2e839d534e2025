"""A relay of version 1: claims, sends and settles in the order of time, until it is killed.

python -m tests.outbox.version_1.relay DIALECT PLACE API_URL

PLACE is a file for sqlite, and a folder with the socket of the server for the others. The lease is one second.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
import uuid
from itertools import groupby
from pathlib import Path

import requests

from . import FOLDER

LIMIT = 5
LEASE = "1.0"
COLUMNS = 17
SEQ, JOB, PAYLOAD, BATCH, FIRST, LAST = 0, 3, 5, 10, 11, 12


class OldRelay:
    def __init__(self, dialect: str, place: str, api_url: str) -> None:
        self.dialect = dialect
        self.sql = json.loads((FOLDER / "statements.json").read_text(encoding="utf-8"))[dialect]
        self.connection = connection_to(dialect, place)
        self.api_url = api_url
        self.http = requests.Session()
        assert self.run("check"), "there is no table of version 1"

    def execute(self, statement: str, *parameters: object) -> list[tuple]:
        cursor = self.connection.cursor()
        placed = statement if self.dialect == "sqlite" else statement.replace("?", "%s")
        cursor.execute(placed, parameters or None) if self.dialect != "sqlite" else cursor.execute(placed, parameters)
        return cursor.fetchall() if cursor.description else []

    def run(self, name: str, *parameters: object) -> list[tuple]:
        return self.execute(self.sql[name].replace("60.0", LEASE), *parameters)

    def many(self, values: list) -> object:
        kinds = {"postgresql": list, "mysql": lambda them: tuple(them) or (None,), "sqlite": json.dumps}
        return kinds[self.dialect](values)

    def columns(self, *columns: list) -> list[object]:
        if self.dialect == "postgresql":
            return [list(column) for column in columns]
        return [json.dumps([list(row) for row in zip(*columns, strict=True)])]

    def one(self, value: object) -> object:
        return value.hex if self.dialect != "postgresql" and isinstance(value, uuid.UUID) else value

    def turn(self) -> bool:
        """Makes one claim and sends it. Returns whether there was something to do."""
        lease = self.one(uuid.uuid4())
        for statement in self.sql["begin"]:
            self.execute(statement)
        batches = self.claimed(lease)
        self.execute("COMMIT")
        for key, rows in batches:
            if self.post(key, rows):
                self.execute(self.sql["begin"][-1])
                self.run("delete", self.many([row[SEQ] for row in rows]), lease)
                self.execute("COMMIT")
        return bool(batches)

    def claimed(self, lease: object) -> list[tuple[uuid.UUID, list]]:
        if self.sql["forbid_sort"]:
            self.execute(self.sql["forbid_sort"])
        heads = [row[:COLUMNS] for row in self.run("claim", LIMIT)]
        single = sorted((row for row in heads if row[BATCH] is None), key=lambda row: (text(row[JOB]), row[SEQ]))
        batches = [(uuid.uuid4(), list(rows)) for _, rows in groupby(single, key=lambda row: text(row[JOB]))]
        whole = [(text(row[JOB]), text(row[BATCH]), row[FIRST], row[LAST]) for row in heads if row[BATCH] is not None]
        if whole:
            rows = self.run("whole_batches", *self.columns(*map(list, zip(*whole, strict=True))))
            rows.sort(key=lambda row: (str(text(row[BATCH])), row[SEQ]))
            for batch, of_batch in groupby(rows, key=lambda row: text(row[BATCH])):
                members = list(of_batch)
                is_whole = {members[0][FIRST], members[0][LAST]} <= {row[SEQ] for row in members}
                batches.append((as_uuid(batch) if is_whole else uuid.uuid4(), members))
        if batches:
            stamps = [(row[SEQ], self.one(key), rows[0][SEQ], rows[-1][SEQ]) for key, rows in batches for row in rows]
            columns = self.columns(*map(list, zip(*stamps, strict=True)))
            self.run("stamp", *([*columns, lease] if self.dialect == "mysql" else [lease, *columns]))
        return batches

    def post(self, key: uuid.UUID, rows: list) -> bool:
        bodies = [text(row[PAYLOAD]) for row in rows]
        body = bodies[0] if len(bodies) == 1 else f"[{','.join(bodies)}]"
        path = "/events" if len(bodies) == 1 else "/events/bulk/"
        headers = {
            "Content-Type": "application/json",
            "x-britecore-job-id": text(rows[0][JOB]),
            "Idempotency-Key": str(key),
        }
        return self.http.post(self.api_url + path, body.encode(), headers=headers, timeout=10).status_code == 201


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def as_uuid(value) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def connection_to(dialect: str, place: str):
    if dialect == "sqlite":
        return sqlite3.connect(place, isolation_level=None, timeout=20)
    if dialect == "postgresql":
        import psycopg

        return psycopg.connect(host=place, user="postgres", dbname="postgres", autocommit=True)
    import pymysql

    socket = str(Path(place, "socket"))
    return pymysql.connect(unix_socket=socket, user="root", database="app", autocommit=True)


def main() -> None:
    relay = OldRelay(*sys.argv[1:])
    while True:
        try:
            worked = relay.turn()
        except Exception as error:
            if type(error).__name__ not in ("OperationalError", "DeadlockDetected", "LockNotAvailable"):
                raise
            print(f"retrying after {error}", flush=True)
            relay = OldRelay(*sys.argv[1:])
            continue
        if not worked:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
