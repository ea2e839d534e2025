"""An outbox in the database of the application, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, event as listening
from sqlalchemy.orm import sessionmaker

from bc_events import events
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Base


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/app.db"
    return request.getfixturevalue({"postgresql": "postgres_url", "mariadb": "mariadb_url"}[request.param])


@pytest.fixture
def engine(url):
    engine = create_engine(url, connect_args={"timeout": 1.0} if url.startswith("sqlite") else {})
    if engine.dialect.name == "sqlite":  # as SQLAlchemy's documentation has it for savepoints
        listening.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        listening.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def outbox(engine):
    """Without a session factory: sessions are bound by hand."""
    outbox = SQLAlchemyOutbox(engine)
    outbox.create()
    return outbox


@pytest.fixture
def factory(engine):
    return sessionmaker(engine)


@pytest.fixture
def following(outbox, factory):
    """An outbox that follows the sessions of `factory`."""
    return SQLAlchemyOutbox(factory)


@pytest.fixture
def client(outbox):
    with client_of(None, outbox) as client, events.override(client):
        yield client


@pytest.fixture
def follower(following):
    with client_of(None, following) as client, events.override(client):
        yield client
