"""A table of version 1 with waiting rows becomes one of version 2, while relays of both work and are killed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bc_events.errors import OutboxError
from bc_events.local import LocalEventsAPI
from bc_events.outbox import named
from bc_events.outbox._sql import dialect as dialects, schema
from tests.outbox import version_1
from tests.outbox.relays import until
from tests.outbox.rows import claimed
from tests.outbox.service import numbers, row
from tests.outbox.version_1.relay import connection_to

ROOT = Path(__file__).parents[2]


class Place:
    """A database with a table of version 1. `where` names the outbox; `place` is for a relay of version 1."""

    def __init__(self, dialect: str, place: str, where: str) -> None:
        self.dialect = dialects.named(dialect)
        self.place = place
        self.where = where
        for statement in version_1.creation(dialect):
            self.run(statement)

    def run(self, sql: str, *rows) -> list[tuple]:
        with (
            closing(connection_to(self.dialect.name, self.place)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            marked = sql if self.dialect.name == "sqlite" else sql.replace("?", "%s")
            if rows:
                cursor.executemany(marked, rows)
            else:
                cursor.execute(marked)
            return list(cursor.fetchall()) if cursor.description else []

    def add(self, *numbers_of) -> None:
        """As a publisher of version 1 does."""
        insert = json.loads((version_1.FOLDER / "statements.json").read_text())[self.dialect.name]["insert"]
        rows = [row(number, f"job-{number % 4}") for number in numbers_of]
        self.run(insert, *([self.dialect.one(value) for value in one.given] for one in rows))

    def upgrade(self) -> list[str]:
        """The statements that `bc-events outbox sql --from-version 1` prints."""
        return schema.upgrade(self.dialect, 1)

    def waiting(self) -> int:
        return self.run("SELECT count(*) FROM bc_outbox WHERE dead_at IS NULL")[0][0]


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        file = str(tmp_path / "events.db")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        return Place("sqlite", file, file)
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        with server.connect() as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return Place("postgresql", str(server.folder), server.url())
    server = request.getfixturevalue("mariadb")
    server.run("DROP DATABASE IF EXISTS app")
    server.create_database("app")
    return Place("mysql", str(server.folder), server.url())


@pytest.fixture
def outbox(place):
    outbox = named(place.where, keep="90d")
    yield outbox
    outbox.store.close()


@pytest.fixture
def processes():
    started = []

    def start(*words, **options):
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate(timeout=30)


def apply(place) -> None:
    for statement in place.upgrade():
        place.run(statement)


def described(place) -> list:
    """All columns and indexes of both tables, in the database's own words."""
    if place.dialect.name == "sqlite":
        found = place.run("SELECT name, sql FROM sqlite_master WHERE tbl_name LIKE 'bc_outbox%' ORDER BY name")
        return [(name, " ".join((sql or "").replace('"', "").split())) for name, sql in found]
    if place.dialect.name == "postgresql":
        columns = place.run(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        indexes = place.run(
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2"
        )
        options = place.run("SELECT relname, reloptions, relkind FROM pg_class WHERE relname = 'bc_outbox'")
        return [*columns, *indexes, *options]
    tables = ("bc_outbox", "bc_outbox_sent")
    return [place.run(f"SHOW CREATE TABLE {table}")[0][1].partition("AUTO_INCREMENT=")[0] for table in tables]


def test_the_upgrade_makes_the_tables_that_a_new_outbox_has(place):
    place.add(1, 2)
    if place.dialect.name == "sqlite":
        named(place.where).store.add([row(3)])
    else:
        apply(place)
    upgraded = described(place)
    for table in ("bc_outbox", "bc_outbox_sent"):
        place.run(f"DROP TABLE {table}")
    for statement in schema.creation(place.dialect):
        place.run(statement)
    if place.dialect.name == "mysql":
        created = described(place)
        assert [text.splitlines()[:-1] for text in upgraded] == [text.splitlines()[:-1] for text in created]
    else:
        assert described(place) == upgraded


def test_waiting_leased_and_dead_rows_are_as_they_were(place, outbox):
    place.add(*range(6))
    place.run("UPDATE bc_outbox SET dead_at = 1.7e9, last_error = 'no' WHERE seq = 1")
    place.run("UPDATE bc_outbox SET attempts = 3, available_at = 1e10 WHERE seq = 2")
    before = place.run("SELECT * FROM bc_outbox ORDER BY seq")
    if place.dialect.name != "sqlite":
        with pytest.raises(OutboxError, match="sql --from-version 1"):
            outbox.store.check()
        apply(place)
    assert outbox.store.stats().dead == 1
    outbox.store.check()
    assert place.run("SELECT * FROM bc_outbox ORDER BY seq") == before
    assert len(claimed(outbox.store).requests) > 0
    assert place.run("SELECT count(*) FROM bc_outbox_sent") == [(0,)]


def test_the_upgrade_may_be_run_again(place):
    place.add(1)
    apply(place)
    apply(place)
    assert place.waiting() == 1


def upgrade_in(place, processes, delay: float):
    """Upgrades in a process, which waits so long before each statement."""
    script = f"""
import sys, time
from bc_events.outbox import named
from bc_events.outbox._sql import dialect, schema
from tests.outbox.version_1.relay import connection_to
name, place, where = {place.dialect.name!r}, {place.place!r}, {place.where!r}
print(flush=True)
if name == "sqlite":
    time.sleep({delay})
    named(where).store.replay()
else:
    connection = connection_to(name, place)
    for statement in schema.upgrade(dialect.named(name), 1):
        time.sleep({delay})
        connection.cursor().execute(statement)
"""
    process = processes("-c", script, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def test_relays_of_both_versions_work_during_an_upgrade_that_is_killed(place, outbox, processes):
    """Every event arrives, once after deduplication, and what the newer relay has sent is in the archive."""
    with LocalEventsAPI() as api:
        old = ["-m", "tests.outbox.version_1.relay", place.dialect.name, place.place, api.url]
        place.add(*range(60))
        relays = [processes(*old) for _ in range(2)]
        until(lambda: len(api.events()) > 5, timeout=120)
        for turn in range(4):
            place.add(*range(60 + 10 * turn, 70 + 10 * turn))
            upgrade = upgrade_in(place, processes, 0.02)
            time.sleep(0.02 * turn)
            upgrade.send_signal(signal.SIGKILL)
            upgrade.wait(30)
            victim = relays[turn % 2]
            victim.send_signal(signal.SIGKILL)
            victim.wait(30)
            relays[turn % 2] = processes(*old)
        if place.dialect.name != "sqlite":
            apply(place)
        environment = {**os.environ, "BC_EVENTS_API_URL": api.url}
        words = ["-m", "bc_events", "outbox", "relay", "--outbox", place.where, "--keep", "90d", "--lease", "45"]
        new = processes(*words, env=environment, stderr=subprocess.PIPE)
        assert b"the relay has started" in new.stderr.readline()
        place.add(*range(100, 130))
        assert all(relay.poll() is None for relay in relays), "a relay of version 1 goes on after the upgrade"
        until(lambda: place.waiting() == 0, timeout=240)
        for relay in relays:
            relay.kill()
            relay.wait(30)
        outbox.store.add([row(number, f"job-{number % 4}") for number in range(130, 140)])
        until(lambda: place.waiting() == 0, timeout=120)
        assert sorted(set(numbers(api.events()))) == list(range(140))
        assert len(numbers(api.events())) == 140
        outbox.store.check()
        assert set(range(130, 140)) <= {
            json.loads(found.payload)["data"]["number"] for found in outbox.store.history(limit=1_000)
        }


def test_a_file_of_version_1_is_read_without_being_changed(tmp_path, run):
    """Monitoring takes no lock and writes nothing."""
    file = str(tmp_path / "events.db")
    place = Place("sqlite", file, file)
    place.add(1, 2)
    before = Path(file).read_bytes()
    code, (line,) = run("status", "--outbox", file)
    assert (code, json.loads(line)["pending"]) == (0, 2)
    assert len(run("show", "--outbox", file)[1]) == 2
    assert run("history", "--outbox", file) == (0, [])
    assert Path(file).read_bytes() == before


def test_a_table_that_is_no_outbox_is_left_alone(tmp_path):
    file = tmp_path / "events.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bc_outbox (name)")
    with pytest.raises(OutboxError, match="another version"):
        named(str(file)).store.replay()
    with closing(sqlite3.connect(file)) as connection:
        assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == ["bc_outbox"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
def test_the_recorded_relay_is_of_version_1_alone(dialect):
    """It has no word of what came later."""
    recorded = (version_1.FOLDER / "statements.json").read_text()
    assert "bc_outbox_ready_v1" in recorded
    assert schema.SENT not in recorded + "".join(version_1.creation(dialect))
