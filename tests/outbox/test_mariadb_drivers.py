"""The drivers of MariaDB and MySQL: the outbox connects as the application does, or is refused where it is made."""

import ssl

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from bc_events import ConfigurationError, events
from bc_events.outbox import SQLAlchemyOutbox
from tests.mariadb import need_driver
from tests.outbox.rows import claimed, ids, in_claim, row
from tests.outbox.service import client_of

ASYNC = ["mysql+asyncmy", "mariadb+asyncmy", "mysql+aiomysql"]


def needs(driver):
    need_driver({"mysqldb": "MySQLdb"}.get(driver.partition("+")[2], driver.partition("+")[2]))


@pytest.mark.parametrize("driver", ["mysql+mysqldb", "mariadb+mysqldb", "mysql+pymysql", "mariadb+pymysql"])
@pytest.mark.parametrize("options", [{}, {"pool_pre_ping": True}, {"isolation_level": "AUTOCOMMIT"}], ids=str)
def test_a_sync_engine_is_used_as_it_is(mariadb, mariadb_url, driver, options):
    needs(driver)
    engine = create_engine(mariadb.url(driver=driver), **options)
    store = SQLAlchemyOutbox(engine).store
    store.add(rows := [row(1, payload='{"a": "é \U0001f600 %s ? \\\\"}'), row(2)])
    assert in_claim(claimed(store)) == ids(rows)
    engine.dispose()


@pytest.mark.asyncio
@pytest.mark.parametrize("driver", ASYNC)
@pytest.mark.parametrize("options", [{}, {"pool_pre_ping": True}, {"connect_args": {"charset": "utf8mb4"}}], ids=str)
async def test_events_follow_the_transactions_of_an_async_engine(mariadb, mariadb_url, driver, options):
    engine = create_async_engine(mariadb.url(driver=driver), **options)
    factory = async_sessionmaker(engine)
    outbox = SQLAlchemyOutbox(factory)
    with client_of(None, outbox) as client, events.override(client):
        async with events.session("job-1"):
            async with factory.begin() as db:
                await db.execute(text("CREATE TEMPORARY TABLE policy (id int)"))
                await db.execute(text("INSERT INTO policy VALUES (1)"))
                events.created_thing({"number": 1})
            with pytest.raises(ZeroDivisionError):
                async with factory.begin() as db:
                    await db.execute(text("CREATE TEMPORARY TABLE IF NOT EXISTS policy (id int)"))
                    await db.execute(text("INSERT INTO policy VALUES (2)"))
                    events.created_thing({"number": 2})
                    raise ZeroDivisionError
    assert [one.payload for one in outbox.store.show() if '"number":2' in one.payload] == []
    assert outbox.store.stats().pending == 1
    outbox.store.close()
    await engine.dispose()


@pytest.mark.parametrize("driver", ASYNC)
@pytest.mark.parametrize("name", ["do_connect", "connect", "checkout"])
def test_an_async_engine_with_a_listener_is_refused(driver, name):
    engine = create_async_engine(f"{driver}://app@127.0.0.1:9/app")
    event.listen(engine.sync_engine, name, lambda *_: None)
    with pytest.raises(ConfigurationError, match="engine="):
        SQLAlchemyOutbox(engine)


@pytest.mark.parametrize("driver", ASYNC)
def test_an_async_engine_with_a_context_for_tls_is_refused(driver):
    engine = create_async_engine(f"{driver}://app@127.0.0.1:9/app", connect_args={"ssl": ssl.create_default_context()})
    with pytest.raises(ConfigurationError, match="ssl"):
        SQLAlchemyOutbox(engine)


@pytest.mark.parametrize("driver", ASYNC)
@pytest.mark.parametrize("where", ["connect_args", "URL"])
def test_an_argument_that_the_outboxs_own_driver_does_not_know_is_refused(driver, where):
    options = {"connect_args": {"echo": True}} if where == "connect_args" else {}
    engine = create_async_engine(f"{driver}://app@127.0.0.1:9/app{'?echo=1' if where == 'URL' else ''}", **options)
    with pytest.raises(ConfigurationError, match="argument echo"):
        SQLAlchemyOutbox(engine)
