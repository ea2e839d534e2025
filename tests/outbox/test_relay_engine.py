"""The outbox's own connections are made as the application's are, or the outbox is refused where it is made."""

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from bc_events import ConfigurationError, OutboxError
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.rows import ids, row


@pytest.fixture
def schema_url(postgres, postgres_url):
    """A database with an outbox in `public`, which is another service's, and one in `app`."""
    with postgres.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app")
        connection.execute("CREATE TABLE app.bc_outbox (LIKE public.bc_outbox INCLUDING ALL)")
    return postgres_url


def in_schema(postgres, schema) -> int:
    with postgres.connect() as connection:
        return connection.execute(f"SELECT count(*) FROM {schema}.bc_outbox").fetchone()[0]


def path_is_app(url, **options):
    return create_async_engine(url, connect_args={"options": "-c search_path=app"}, **options)


@pytest.mark.parametrize(
    "make",
    [
        path_is_app,
        lambda url: create_async_engine(f"{url}&options=-csearch_path%3Dapp"),
        lambda url: path_is_app(url, poolclass=NullPool).execution_options(logging_token="app"),
        lambda url: path_is_app(url.replace("+psycopg", "+psycopg_async")),
    ],
    ids=["connect_args", "URL", "options of the engine", "another name of the driver"],
)
def test_the_outbox_finds_its_table_where_the_async_engine_of_the_application_does(postgres, schema_url, make):
    engine = make(schema_url)
    store = SQLAlchemyOutbox(async_sessionmaker(engine)).store
    store.add([row(1)])
    assert (in_schema(postgres, "app"), in_schema(postgres, "public")) == (1, 0)
    store.close()


def test_arguments_for_sqlite_are_the_outboxs_too(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/app.db", connect_args={"timeout": 0.0})
    SQLAlchemyOutbox(f"sqlite:///{tmp_path}/app.db").create()
    store = SQLAlchemyOutbox(engine).store
    store.add(rows := [row(1)])
    assert ids(store.show()) == ids(rows)
    store.close()


def listening(name):
    def make(url):
        engine = create_async_engine(url)
        event.listen(engine.sync_engine, name, lambda *_: None)
        return engine

    return make


async def connected():
    """As a user's function that fetches a token before it connects."""


REFUSED = {
    "a creator": lambda url: create_async_engine(url, async_creator=connected),
    "connect": listening("connect"),
    "do_connect": listening("do_connect"),
    "checkout": listening("checkout"),
    "engine_connect": listening("engine_connect"),
    "begin": listening("begin"),
    "an object in connect_args": lambda url: create_async_engine(url, connect_args={"context": object()}),
    "memory": lambda _: create_async_engine("sqlite+aiosqlite://"),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_an_engine_that_the_outbox_cannot_follow_is_refused_with_what_to_pass(make):
    with pytest.raises(ConfigurationError, match="engine="):
        SQLAlchemyOutbox(async_sessionmaker(make("postgresql+psycopg://app@127.0.0.1:9/app")))


@pytest.mark.parametrize("where", ["connect_args", "URL"])
def test_arguments_that_only_another_driver_knows_are_refused(where):
    url = "postgresql+asyncpg://app@127.0.0.1:9/app"
    options = {"connect_args": {"server_settings": {"search_path": "app"}}} if where == "connect_args" else {}
    engine = create_async_engine(url + ("?ssl=require" if where == "URL" else ""), **options)
    with pytest.raises(ConfigurationError, match="engine="):
        SQLAlchemyOutbox(engine)


def test_arguments_that_say_how_statements_are_prepared_do_no_harm():
    """They are how asyncpg is told of a pooler; the outbox prepares none anyway."""
    url = "postgresql+asyncpg://app@127.0.0.1:9/app?prepared_statement_cache_size=0"
    store = SQLAlchemyOutbox(create_async_engine(url, connect_args={"statement_cache_size": 0})).store
    assert store._database._engine.url.query == {}


def test_listeners_of_all_engines_and_those_that_only_watch_are_welcome(tmp_path):
    def watch(*_): ...

    def configure(connection, _record):
        connection.execute("PRAGMA user_version=7")

    watch.__module__ = "opentelemetry.instrumentation.sqlalchemy.engine"
    event.listen(Engine, "connect", configure)
    try:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/app.db")
        event.listen(engine.sync_engine, "checkout", watch)
        with SQLAlchemyOutbox(engine).store._database.reading() as transaction:
            assert transaction.run("PRAGMA user_version") == [(7,)]
    finally:
        event.remove(Engine, "connect", configure)


def test_an_engine_given_by_hand_is_used_as_it_is(schema_url, postgres):
    """It is what the refusal asks for."""
    own = create_engine(schema_url)

    @event.listens_for(own, "connect")
    def find_app(connection, _record):
        connection.execute("SET search_path = app")
        connection.commit()

    store = SQLAlchemyOutbox(async_sessionmaker(listening("connect")(schema_url)), engine=own).store
    store.add([row(1)])
    assert (in_schema(postgres, "app"), in_schema(postgres, "public")) == (1, 0)
    own.dispose()


def test_a_listener_that_fails_is_the_databases_refusal(schema_url):
    """One that leaves a transaction open, say: SQLAlchemy does not translate what its driver then raises."""
    own = create_engine(schema_url)
    event.listen(own, "connect", lambda connection, _: connection.execute("SET search_path = app"))
    with pytest.raises(OutboxError):
        SQLAlchemyOutbox(own).store.stats()
    own.dispose()
