"""The file of an outbox: full, locked, removed, of another version, or half made."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from bc_events import DeliveryError
from bc_events._delivery.request import Limits
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._store.store import Settlement
from tests.outbox.service import client_of, publish

KILLED_WHILE_MAKING = """
import os, signal, sys
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._sql import schema

def half(dialect, creation=schema.creation):
    yield creation(dialect)[0]
    os.kill(os.getpid(), signal.SIGKILL)

schema.creation = half
SQLiteOutbox(sys.argv[1], relay=False).store.stats()
"""


def fill(client, *, by):
    """Sessions of so many events, until one is refused."""
    with pytest.raises(DeliveryError, match="full"):
        for _ in range(1000):
            publish(client, *range(by))


def test_a_full_outbox_refuses_and_recovers(path):
    """The size cap: a dead API must not fill the disk unseen."""
    outbox = SQLiteOutbox(path, relay=False, max_bytes=256 * 1024)
    with client_of(None, outbox) as client:
        fill(client, by=100)
        kept = outbox.store.stats().pending
        assert kept % 100 == 0, "a session is stored whole or not at all"
        assert kept > 0


def test_relays_empty_a_full_outbox_which_then_takes_events_again(path):
    """A claim writes into its rows, which then need more room than the cap has left."""
    outbox = SQLiteOutbox(path, relay=False, max_bytes=256 * 1024)
    with client_of(None, outbox) as client:
        fill(client, by=5)
        while (claim := outbox.store.claim(limit=250, seconds=60, limits=Limits())) is not None:
            outbox.store.settle(claim.lease, Settlement([row for one in claim.requests for row in one.events]))
        assert outbox.store.stats().pending == 0
        publish(client, 1)
        assert outbox.store.stats().pending == 1


def test_a_locked_file_makes_the_flush_raise(path):
    outbox = SQLiteOutbox(path, relay=False, busy_timeout=0.05)
    with client_of(None, outbox) as client:
        publish(client, 1)
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DeliveryError, match="locked") as caught:
            publish(client, 2)
        assert [item.outcome for item in caught.value.undelivered] == ["unsent"]
        other.rollback()
        other.close()
        publish(client, 3)
        assert outbox.store.stats().pending == 2


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_what_is_stored_after_the_file_was_removed_is_in_the_file_that_others_find(outbox, path, caplog):
    """A connection goes on committing to a deleted file, and nobody would ever read it."""
    with client_of(None, outbox) as client:
        publish(client, 1)
        for file in path.parent.iterdir():
            file.unlink()
        publish(client, 2)
    elsewhere = SQLiteOutbox(path, relay=False)
    assert [row.payload.count('"number":2') for row in elsewhere.store.show()] == [1]
    elsewhere.store.close()
    (message,) = caplog.messages
    assert message.startswith(f"the outbox's file {path} was removed or replaced while it was open")


def test_a_file_of_another_version_is_refused_and_left_alone(outbox, path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bc_outbox (seq integer PRIMARY KEY, id char(32), gone text)")
        other.execute("CREATE INDEX bc_outbox_ready_v2 ON bc_outbox (seq)")
        before = list(other.iterdump())
    with (
        client_of(None, outbox) as client,
        pytest.raises(DeliveryError, match="another version of the table") as raised,
    ):
        publish(client, 1)
    assert [item.event.data for item in raised.value.undelivered] == [{"number": 1}]
    with closing(sqlite3.connect(path)) as other:
        assert list(other.iterdump()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is killed that way there")
def test_a_table_half_made_by_a_process_that_died_is_nothing(tmp_path):
    """All statements of its creation are one transaction: a kill leaves all of them or none."""
    path = tmp_path / "events.db"
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_MAKING, str(path)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with closing(SQLiteOutbox(path, relay=False).store) as store:
        assert store.stats().pending == 0
