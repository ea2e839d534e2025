"""Looking at an outbox: beside those who write to it, and without leaving a trace."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from bc_events.errors import OutboxError
from bc_events.local import LocalEventsAPI
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlalchemy.engine import EngineDatabase
from tests.outbox.rows import ids, row

LOOKS = {
    "stats": lambda store, _: store.stats(),
    "show": lambda store, _: store.show(),
    "find": lambda store, rows: store.find(ids(rows)),
    "check": lambda store, _: store.check(),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.mark.parametrize("is_pooled", [True, False], ids=["a connection is open", "none is"])
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_file_is_looked_at_while_another_program_writes_to_it(path, look, is_pooled):
    store = SQLiteOutbox(path, relay=False, busy_timeout=0.1).store
    store.add(rows := [row(1)])
    if not is_pooled:
        store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        look(store, rows)
    store.close()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_looking_at_a_file_leaves_nothing_beside_it(path, look):
    """Not even the write-ahead log, which would belong to the one who looked."""
    store = SQLiteOutbox(path, relay=False).store
    store.add(rows := [row(1)])
    store.close()
    look(store, rows)
    assert [one.name for one in path.parent.iterdir()] == ["events.db"]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_looking_at_a_file_that_is_not_there_makes_none(path, look):
    """It holds no event, and the first one makes it."""
    store = SQLiteOutbox(path, relay=False).store
    assert look(store, []) in (None, [], store.stats())
    assert list(path.parent.iterdir()) == []


def test_looking_at_a_file_of_something_else_makes_no_table_in_it(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE something (else_ text)")
    assert SQLiteOutbox(path, relay=False).store.stats().pending == 0
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("something",)]


def test_a_file_of_another_version_is_not_taken_for_an_empty_outbox(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bc_outbox (seq integer)")
    with pytest.raises(OutboxError, match="another version"):
        SQLiteOutbox(path, relay=False).store.stats()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_looking_at_a_table_in_postgresql_waits_for_no_writer_and_locks_no_row(postgres_url, look):
    engine = create_engine(postgres_url)
    store = TableStore(EngineDatabase(engine))
    store.add(rows := [row(1)])
    with engine.begin() as writer:
        writer.execute(text("SELECT 1 FROM bc_outbox FOR UPDATE"))
        look(store, rows)
    engine.dispose()


def mode(path):
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.fixture
def open_umask():
    """A umask that hides nothing, and that files of events must not follow."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_files_of_events_are_their_owners_alone(tmp_path, path, open_umask):
    """With what SQLite keeps beside them, from the first byte on; also where a link leads to a file yet to come."""
    kept, linked = tmp_path / "kept.db", tmp_path / "linked.db"
    linked.symlink_to(tmp_path / "target.db")
    stores = [SQLiteOutbox(one, relay=False).store for one in (path, linked)]
    for store in stores:
        store.add([row(1)])
    with LocalEventsAPI(db=kept) as api:
        assert api.events() == []
        modes = {one.name: mode(one) for one in tmp_path.iterdir()}
    for store in stores:
        store.close()
    assert {"events.db-wal", "events.db-shm", "kept.db-wal", "target.db"} <= modes.keys()
    assert set(modes.values()) == {"0o600"}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_is_there_keeps_its_mode(path):
    """The file's owner may share it with a group."""
    path.touch()
    path.chmod(0o660)
    store = SQLiteOutbox(path, relay=False).store
    store.add([row(1)])
    assert mode(path) == "0o660"
    store.close()
