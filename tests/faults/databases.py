"""Rows in which the outbox's database cannot take events: publishing or leaving the session raises, never silently."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker

from bc_events import DeliveryError, EventClient, events
from bc_events.outbox import SQLAlchemyOutbox, SQLiteOutbox
from tests.faults.actors import TOPICS
from tests.faults.commands import drain

if TYPE_CHECKING:
    from tests.faults.result import Result
    from tests.faults.world import World

_SESSIONS = 400
_ATTEMPTS = 20
_DISK = 300_000


def full(world: World) -> Result:
    """No file of the process may grow any further. The kernel then reports the same error as for a full disk."""
    file = world.folder / "full.db"
    context = multiprocessing.get_context("forkserver")
    answers = context.Queue()
    child = context.Process(target=_fill, args=(str(file), answers))
    child.start()
    safe, refused = answers.get(timeout=120)
    child.join()
    drain(world, str(file))
    return _judged(world, set(safe), refused, "sessions refused by a full disk", least=100)


def _fill(file: str, answers) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    client = _client(SQLiteOutbox(file, relay=False))
    _publish(client, "first")
    resource.setrlimit(resource.RLIMIT_FSIZE, (_DISK, _DISK))
    safe, refused = ["first"], 0
    for number in range(_SESSIONS):
        try:
            _publish(client, f"{number}", "x" * 2000)
        except DeliveryError:
            refused += 1
        else:
            safe.append(f"{number}")
    answers.put((safe, refused))


def locked(world: World) -> Result:
    """Another program keeps the file locked for longer than a flush waits."""
    file = world.folder / "locked.db"
    client = _client(SQLiteOutbox(file, relay=False, busy_timeout=0.02))
    _publish(client, "first")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = sum(_is_refused(client, f"{number}") for number in range(_ATTEMPTS))
    other.execute("ROLLBACK")
    other.close()
    _publish(client, "last")
    client.close()
    drain(world, str(file))
    return _judged(world, {"first", "last"}, refused, "sessions refused by a locked file", least=_ATTEMPTS)


def gone(world: World) -> Result:
    """PostgreSQL is dead: a flush in a separate transaction raises, and so does the application's commit."""
    engine = create_engine(world.database)
    factory = sessionmaker(engine)
    client = _client(SQLAlchemyOutbox(factory))
    _publish(client, "first")
    world.postgres.kill()
    refused = sum(_is_refused(client, f"{number}") for number in range(_ATTEMPTS))
    try:
        with events.session(client=client), factory.begin():
            events.happened_work({"key": "bound"})
    except OperationalError:
        refused += 1
    world.postgres.start()
    _publish(client, "last")
    with world.relays(1):
        world.settle()
    engine.dispose()
    return _judged(world, {"first", "last"}, refused, "sessions refused without a database", least=_ATTEMPTS + 1)


def _judged(world: World, safe: set[str], refused: int, name: str, *, least: int) -> Result:
    result = world.judged(safe)
    result.inject(refused, name, least=least)
    return result


def _client(outbox) -> EventClient:
    return EventClient(None, "FaultsService", TOPICS, outbox=outbox)


def _publish(client: EventClient, key: str, filling: str = "") -> None:
    with events.session(client=client):
        events.happened_work({"key": key, "filling": filling})


def _is_refused(client: EventClient, key: str) -> bool:
    try:
        _publish(client, key)
    except DeliveryError:
        return True
    return False
