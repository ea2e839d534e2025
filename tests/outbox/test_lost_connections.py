"""Connections that the server has closed, or that lead to a server which only reads: the outbox takes another one.

The pool of the application's engine tests no connection before it is used.
"""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import sessionmaker

from bc_events import events
from bc_events.errors import OutboxError
from bc_events.outbox import RelaySettings, SQLAlchemyOutbox
from tests.mariadb import need_driver
from tests.outbox.relays import relay_of, until
from tests.outbox.rows import claimed, in_claim
from tests.outbox.service import client_of, row

DRIVERS = ["postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql", "mysql+mysqldb"]
CLAIMED_BY = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "


class OnPostgreSQL:
    def __init__(self, postgres, url):
        self._postgres, self.url = postgres, url

    def close_connections(self):
        with self._postgres.connect() as connection:
            assert connection.execute(f"{CLAIMED_BY} 'postgres' AND backend_type = 'client backend'").fetchall()

    def only_read(self, is_on):
        """New connections; those that are open stay as they are."""
        with self._postgres.connect() as connection:
            connection.execute("SET default_transaction_read_only = off")
            value = "= on" if is_on else "TO DEFAULT"
            connection.execute(f"ALTER DATABASE postgres SET default_transaction_read_only {value}")


class OnMariaDB:
    def __init__(self, mariadb, url):
        self._mariadb, self.url = mariadb, url

    def close_connections(self):
        found = self._mariadb.run("SELECT id FROM information_schema.processlist WHERE db = 'app'")
        assert found
        self._mariadb.run(*(f"KILL {number}" for (number,) in found), "SELECT 1")

    def only_read(self, is_on):
        self._mariadb.run(f"SET GLOBAL tx_read_only = {'ON' if is_on else 'OFF'}", "SELECT 1")


@pytest.fixture(params=DRIVERS)
def server(request):
    name, driver = request.param.split("+")
    need_driver({"mysqldb": "MySQLdb"}.get(driver, driver))
    kind, server, url = {
        "postgresql": (OnPostgreSQL, "postgres", "postgres_url"),
        "mysql": (OnMariaDB, "mariadb", "mariadb_url"),
    }[name]
    place = make_url(request.getfixturevalue(url)).set(drivername=request.param)
    made = kind(request.getfixturevalue(server), place)
    yield made
    made.only_read(False)


@pytest.fixture
def engine(server):
    engine = create_engine(server.url, pool_size=3)
    yield engine
    engine.dispose()


def fill_pool(engine):
    """Leaves some idle connections."""
    opened = [engine.connect() for _ in range(3)]
    for connection in opened:
        connection.execute(text("SELECT 1"))
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("use", ["add", "claim", "stats", "show", "check"])
def test_idle_connections_that_were_closed_fail_nothing(server, engine, use):
    store = SQLAlchemyOutbox(engine).store
    store.add([row(1)])
    fill_pool(engine)
    server.close_connections()
    if use == "add":
        store.add([row(2)])
    elif use == "claim":
        assert len(in_claim(claimed(store))) == 1
    else:
        getattr(store, use)()
    assert store.stats().pending == (2 if use == "add" else 1)


def test_a_flush_without_a_transaction_outlives_them(server, engine):
    """Long after the work, its connections have timed out: as in a consumer that waits for messages."""
    outbox = SQLAlchemyOutbox(sessionmaker(engine))
    with client_of(None, outbox) as client, events.session("job-1", client=client):
        fill_pool(engine)
        events.created_thing({"number": 1})
        server.close_connections()
    assert outbox.store.stats().pending == 1


def test_a_relay_that_was_idle_sends_without_a_word(server, engine, api, caplog):
    outbox = SQLAlchemyOutbox(engine)
    other = SQLAlchemyOutbox(server.url)
    with relay_of(outbox.store, api, settings=RelaySettings(poll=(60, 60))) as relay:
        relay.wait_until_idle(30)
        until(lambda: engine.pool.checkedout() == 0)
        server.close_connections()
        other.store.add([row(1)])
        relay.wake()
        until(lambda: len(api.events()) == 1)
    assert caplog.records == []
    other.store.close()


def test_a_connection_to_a_former_primary_is_given_up(server, engine):
    """After a failover it may only read, and each test of it succeeds."""
    store = SQLAlchemyOutbox(engine).store
    server.only_read(True)
    fill_pool(engine)
    with pytest.raises(OutboxError):
        store.add([row(1)])
    fill_pool(engine)
    server.only_read(False)
    store.add([row(1)])
    assert len(in_claim(claimed(store))) == 1
