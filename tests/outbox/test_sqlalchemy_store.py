"""The store of a SQLAlchemy engine, on SQLite and on PostgreSQL: two of them, as two relays have."""

from contextlib import ExitStack

import pytest
from sqlalchemy import create_engine

from bc_events.outbox import schema
from bc_events.outbox.dialect import SQLITE
from bc_events.outbox.engine import EngineDatabase
from bc_events.outbox.table import TableStore
from tests.outbox.conformance import *  # noqa: F403


def sqlite_url(tmp_path) -> str:
    url = f"sqlite:///{tmp_path}/app.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in schema.creation(SQLITE):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def two_stores(request, tmp_path):
    url = sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with ExitStack() as stack:
        engines = [create_engine(url) for _ in range(2)]
        for engine in engines:
            stack.callback(engine.dispose)
        yield tuple(TableStore(EngineDatabase(engine)) for engine in engines)


@pytest.fixture
def store(two_stores):
    return two_stores[0]
