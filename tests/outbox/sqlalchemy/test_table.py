"""The outbox's table and the connections to it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from sqlalchemy import MetaData, inspect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from bc_events import ConfigurationError, DeliveryError, events
from bc_events.outbox import SQLAlchemyOutbox
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import MYSQL, POSTGRESQL
from bc_events.outbox._sqlalchemy.table import outbox_table
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Base, Policy, publish, stored

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_tenant_s_events_are_in_the_one_outbox(client, outbox, engine):
    """A relay would not find a table of the same name in the tenant's schema."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA tenant")
        connection = connection.execution_options(schema_translate_map={None: "tenant"})
        Base.metadata.create_all(connection)
        outbox_table(metadata := MetaData())
        metadata.create_all(connection)
    of_tenant = engine.execution_options(schema_translate_map={None: "tenant"})
    try:
        with events.session(), Session(of_tenant) as db:
            outbox.bind(db)
            db.add(Policy(id=1))
            publish(1)
            db.commit()
        assert stored(outbox) == [1]
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA tenant CASCADE")


def test_the_table_does_not_take_the_schema_of_the_metadata_it_is_put_into(engine):
    """Only the connection's `search_path` leads there."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema.TABLE}")
    outbox_table(metadata := MetaData(schema="app"))
    metadata.create_all(engine)
    SQLAlchemyOutbox(engine).store.check()


@pytest.mark.parametrize("url", ["postgresql://:a port:secret/", "nosuch://x", "postgresql+psycopg2cffi://x", ""])
def test_a_url_that_leads_to_no_engine_is_refused_without_being_shown(url):
    with pytest.raises(ConfigurationError, match="makes no engine of the outbox's URL") as caught:
        SQLAlchemyOutbox(url)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(ConfigurationError, match="the driver psycopg2cffi is not installed"):
        SQLAlchemyOutbox("postgresql+psycopg2cffi://app@db/app")


def test_a_misspelt_keyword_is_answered_with_the_right_one(engine):
    with pytest.raises(TypeError, match="did you mean settings"):
        SQLAlchemyOutbox(engine, setings=None)


def test_the_connections_of_an_outbox_with_a_url_are_closed_with_its_client(postgres_url):
    outbox = SQLAlchemyOutbox(postgres_url)
    client = client_of(None, outbox)
    assert outbox.store.stats().pending == 0
    assert outbox.engine.pool.checkedin() == 1
    client.close()
    assert outbox.engine.pool.checkedin() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_no_connection_of_an_outbox_with_a_url_crosses_a_fork(postgres_url):
    """As under gunicorn --preload, where the first event is published before the workers fork."""
    script = f"""
import os, sys, warnings
from bc_events import events
from tests.outbox.service import client_of
client = client_of(None, {postgres_url!r})
def publish(*numbers):
    for number in numbers:
        with events.session(client=client):
            events.created_thing({{"number": number}})
publish(0)
warnings.simplefilter("ignore")
for child in range(1, 4):
    if os.fork() == 0:
        publish(*range(10 * child, 10 * child + 10))
        sys.exit(0)
for _ in range(3):
    _, status = os.wait()
    assert status == 0, status
publish(1)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
    outbox = SQLAlchemyOutbox(postgres_url)
    assert sorted(stored(outbox)) == [0, 1, *range(10, 40)]
    outbox.store.close()


def test_a_factory_without_an_engine_is_refused():
    with pytest.raises(ConfigurationError, match="engine="):
        SQLAlchemyOutbox(sessionmaker())


def test_an_async_engine_is_told_how_to_make_the_table(tmp_path):
    outbox = SQLAlchemyOutbox(create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/app.db"))
    with pytest.raises(ConfigurationError, match="run_sync"):
        outbox.create()


def test_a_missing_table_is_named_by_the_flush_and_by_the_check(engine):
    outbox = SQLAlchemyOutbox(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema.TABLE}")
    with pytest.raises(Exception, match="bc-events outbox sql"):
        outbox.store.check()
    client = client_of(None, outbox)
    with pytest.raises(DeliveryError, match="bc-events outbox sql"), events.session(client=client):
        publish(1)


@pytest.mark.parametrize("is_bound", [True, False])
def test_no_traceback_of_a_refused_insert_shows_what_was_published(is_bound, engine):
    """SQLAlchemy shows a statement's parameters, and the insert's are the events."""
    outbox = SQLAlchemyOutbox(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema.TABLE}")
        connection.exec_driver_sql(f"CREATE TABLE {schema.TABLE} (id TEXT)")
    client = client_of(None, outbox)
    refusal = pytest.raises(Exception, match=r"parameters hidden|not delivered")
    with refusal as refused, events.session(client=client), Session(engine) as db:
        if is_bound:
            outbox.bind(db)
            db.connection()
        publish(987654321)
        db.commit()
    told = "".join(traceback.format_exception(refused.value))
    assert "bc-events outbox sql" in told
    assert "987654321" not in told.replace("publish(987654321)", "")


def test_a_delivery_error_that_was_pickled_can_be_resent(client, outbox, engine):
    """By another process, which has not published its events; twice is once."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {schema.TABLE} RENAME TO elsewhere")
    with pytest.raises(DeliveryError) as caught, events.session():
        publish(1, 2)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {schema.TABLE}")
    for _ in range(2):
        client.resend(pickle.loads(pickle.dumps(caught.value)))
    assert stored(outbox) == [1, 2]


def test_a_session_made_by_hand_stores_at_its_next_flush_what_it_could_not_store(client, outbox, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {schema.TABLE} RENAME TO elsewhere")
    session = client.service_session()
    session.created_thing({"number": 1})
    with pytest.raises(DeliveryError) as caught:
        session.flush()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {schema.TABLE}")
    session.created_thing({"number": 2})
    session.flush()
    client.resend(caught.value)
    assert stored(outbox) == [1, 2]
    assert session.events == []


def test_the_flush_raises_where_the_database_is_gone():
    outbox = SQLAlchemyOutbox("postgresql://postgres@127.0.0.1:9/nowhere")
    client = client_of(None, outbox)
    with pytest.raises(DeliveryError, match="see that it is up"), events.session(client=client):
        publish(1)


def columns_of(engine) -> dict[str, tuple[str, bool]]:
    found = inspect(engine).get_columns(schema.TABLE)
    return {column["name"]: (str(column["type"]).lower(), column["nullable"]) for column in found}


def options_of(engine) -> list[str]:
    if engine.dialect.name != "postgresql":
        return []
    with engine.begin() as connection:
        found = connection.exec_driver_sql(f"SELECT reloptions::text FROM pg_class WHERE relname = '{schema.TABLE}'")
        return list(found.scalars())


def test_metadata_and_printed_sql_make_the_same_table(outbox, engine):
    """The one is for Alembic, the other is printed by `bc-events outbox sql`."""
    made, options = columns_of(engine), options_of(engine)
    indexes = {index["name"] for index in inspect(engine).get_indexes(schema.TABLE)}
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {schema.TABLE}")
        for statement in schema.creation(outbox.store._dialect):
            connection.exec_driver_sql(statement)
    printed = columns_of(engine)
    assert list(printed) == list(made)
    has_conditions = outbox.store._dialect is not MYSQL
    assert set(schema.INDEXES if has_conditions else schema.WHOLE_INDEXES) <= indexes
    outbox.store.check()
    if outbox.store._dialect is POSTGRESQL:
        assert printed == made
        expected = ",".join(f"{name}={value}" for name, value in schema.OPTIONS["postgresql"].items())
        assert {*options, *options_of(engine)} == {f"{{{expected}}}"}


def test_the_table_has_the_columns_of_debezium_s_event_router():
    """Its defaults: table.field.event.id, route.by.field, …event.key, …event.type, …event.payload."""
    table = outbox_table(MetaData())
    assert {"id", "aggregatetype", "aggregateid", "type", "payload"} <= set(table.c.keys())
    assert not any(table.c[name].nullable for name in ("id", "aggregatetype", "aggregateid", "type", "payload"))
