"""The drivers' table: an outbox connects as the application does, or is refused with a remedy that works.

Each cell publishes in transactions of the application's, and a relay sends what they have committed.
"""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import sessionmaker

from bc_events import ConfigurationError, events
from bc_events.outbox import SQLAlchemyOutbox
from tests.docs.pages import DOCS
from tests.mariadb import need_driver
from tests.outbox.relays import drained
from tests.outbox.service import client_of, numbers

from .engines import ASYNC, DRIVERS, REMEDY, WAYS, engine_of, kind_of

_ALWAYS = frozenset(WAYS)
_NOT_OBJECTS = _ALWAYS - {"creator", "do_connect"}
CARRIED_OVER = {
    **dict.fromkeys(("psycopg", "psycopg2", "PyMySQL", "mysqlclient", "sqlite3"), _ALWAYS),
    **dict.fromkeys(("psycopg (async)", "aiosqlite"), _NOT_OBJECTS),
    **dict.fromkeys(("asyncmy", "aiomysql"), _NOT_OBJECTS - {"TLS"}),  # these take a context of TLS, an object
    "asyncpg": frozenset({"pool_pre_ping"}),
}
"""For each driver, what the outbox's own connections take over from the engine of the application."""
WITHOUT_SERVER = {"TLS", "schema"}
"""What SQLite does not have."""
CELLS = [
    (driver, way) for driver in DRIVERS for way in WAYS if kind_of(driver) != "sqlite" or way not in WITHOUT_SERVER
]
INSERT = "INSERT INTO policy VALUES (:id)"


def outbox_of(engine, factory, driver, way, place):
    """Follows the factory. Where the engine is refused, it is given one of the remedy's driver, configured alike."""
    if way in CARRIED_OVER[driver]:
        return SQLAlchemyOutbox(factory), None
    with pytest.raises(ConfigurationError, match="pass engine=, a sync engine"):
        SQLAlchemyOutbox(factory)
    own = engine_of(REMEDY[kind_of(driver)], way, place)
    return SQLAlchemyOutbox(factory, engine=own), own


def work(factory, place):
    """Commits, loses every connection, rolls back, and commits again. Returns how many connections were lost."""
    with events.session("job-1"):
        with factory.begin() as db:
            db.execute(text(INSERT), {"id": 1})
            events.created_thing({"number": 1})
        killed = place.kill_connections()
        with pytest.raises(ZeroDivisionError), factory.begin() as db:
            db.execute(text(INSERT), {"id": 2})
            events.created_thing({"number": 2})
            raise ZeroDivisionError
        with factory.begin() as db:
            db.execute(text(INSERT), {"id": 3})
            events.created_thing({"number": 3})
    return killed


async def work_async(engine, factory, place):
    async with events.session("job-1"):
        async with factory.begin() as db:
            await db.execute(text(INSERT), {"id": 1})
            events.created_thing({"number": 1})
        killed = place.kill_connections()
        with pytest.raises(ZeroDivisionError):
            async with factory.begin() as db:
                await db.execute(text(INSERT), {"id": 2})
                events.created_thing({"number": 2})
                raise ZeroDivisionError
        async with factory.begin() as db:
            await db.execute(text(INSERT), {"id": 3})
            events.created_thing({"number": 3})
    await engine.dispose()
    return killed


@pytest.mark.parametrize(("driver", "way"), CELLS, ids=lambda value: value)
def test_what_the_application_commits_arrives(driver, way, place, api):
    need_driver(DRIVERS[driver][1])
    if way != "pool_pre_ping":
        place = _Undisturbed(place)
    engine = engine_of(driver, way, place)
    factory = (async_sessionmaker if driver in ASYNC else sessionmaker)(engine)
    outbox, own = outbox_of(engine, factory, driver, way, place)
    with client_of(None, outbox) as client, events.override(client):
        if isinstance(engine, AsyncEngine):
            killed = asyncio.run(work_async(engine, factory, place))
        else:
            killed = work(factory, place)
    assert killed > 0 or way != "pool_pre_ping"
    assert outbox.store.stats().pending == 2
    if kind_of(driver) == "postgresql":
        assert place.outboxes() == ((0, 2) if way == "schema" else (2, 0))
    place.kill_connections()
    drained(outbox.store, api)
    assert numbers(api.events()) == [1, 3] == place.policies()
    outbox.store.close()
    for one in (engine, own):
        if one is not None and not isinstance(one, AsyncEngine):
            one.dispose()


class _Undisturbed:
    """A place whose connections nobody ends."""

    def __init__(self, place):
        self._place = place

    def __getattr__(self, name):
        return getattr(self._place, name)

    def kill_connections(self):
        return 0


def test_a_schema_translate_map_moves_the_work_and_not_the_outbox(postgresql_place, api):
    postgresql_place.empty()
    engine = engine_of("psycopg", "pool_pre_ping", postgresql_place)
    outbox = SQLAlchemyOutbox(factory := sessionmaker(engine.execution_options(schema_translate_map={None: "tenant"})))
    with client_of(None, outbox) as client, events.override(client), events.session("job-1"), factory.begin() as db:
        db.execute(text(INSERT), {"id": 1})
        events.created_thing({"number": 1})
    assert postgresql_place.outboxes() == (1, 0)
    drained(outbox.store, api)
    assert numbers(api.events()) == [1]
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "PyMySQL"])
@pytest.mark.parametrize("way", ["TLS"])
def test_without_tls_the_server_refuses(driver, way, place):
    """So a cell of the table that has succeeded has used TLS."""
    without = {"sslmode": "disable"} if driver == "psycopg" else {"ssl_disabled": True}
    engine = create_engine(engine_of(driver, way, place).url, connect_args=without)
    with pytest.raises(OperationalError, match="SSL required|Access denied"):
        engine.connect()
    engine.dispose()


def test_the_documented_table_is_this_one():
    page = (DOCS / "how-to/outbox.md").read_text(encoding="utf-8")
    header, *rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\| (?:driver|[\w ()]+) \|.*(?:TLS|yours|engine=).*\|$", page, re.MULTILINE)
    ]
    assert header == ["driver", *WAYS]
    documented = {driver: dict(zip(WAYS, cells, strict=True)) for driver, *cells in rows}
    assert documented == {
        driver: {
            way: "—" if (driver, way) not in CELLS else "as yours" if way in CARRIED_OVER[driver] else "engine="
            for way in WAYS
        }
        for driver in DRIVERS
    }
