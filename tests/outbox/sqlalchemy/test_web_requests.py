"""Requests whose transaction begins and ends in a dependency: rows and events, both or neither, whatever the status."""

from typing import Annotated

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from sqlalchemy import event as listening, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from bc_events import events
from bc_events.integrations.asgi import EventsMiddleware
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.service import client_of
from tests.outbox.sqlalchemy.work import Policy, async_url, publish, stored


@pytest.fixture
def application():
    application = FastAPI()
    application.add_middleware(EventsMiddleware)
    return application


def post(application, *, status):
    assert TestClient(application, raise_server_exceptions=False).post("/").status_code == status


def rows(engine):
    with Session(engine) as db:
        return sorted(db.scalars(select(Policy.id)))


def refused(status):
    """How a handler answers: by its response, or by an exception that the dependency sees and rolls back for."""
    if status in (404, 500):
        raise HTTPException(status)
    return JSONResponse({}, status)


@pytest.mark.parametrize("status", [200, 409, 404, 500])
@pytest.mark.parametrize("publishes_first", [True, False])
def test_a_sync_request(application, follower, following, factory, engine, status, publishes_first):
    def begun():
        with factory.begin() as db:
            yield db

    @application.post("/")
    def create(db: Annotated[Session, Depends(begun)]):
        if publishes_first:
            publish(1)
        db.add(Policy(id=1))
        if not publishes_first:
            publish(1)
        return refused(status)

    post(application, status=status)
    expected = [1] if status in (200, 409) else []
    assert (rows(engine), stored(following)) == (expected, expected)


@pytest.mark.parametrize("status", [200, 409, 404])
def test_a_sync_request_whose_dependency_binds_by_hand(application, client, outbox, engine, status):
    """The handler changes only what the dependency has loaded, and does not use the database session."""
    with Session(engine) as db:
        db.add(Policy(id=1))
        db.commit()

    def loaded():
        with Session(engine) as db:
            outbox.bind(db)
            yield db.get(Policy, 1)
            db.commit()

    @application.post("/")
    def change(policy: Annotated[Policy, Depends(loaded)]):
        policy.name = "changed"
        publish(1)
        return refused(status)

    post(application, status=status)
    with Session(engine) as db:
        name = db.get(Policy, 1).name
    assert (name, stored(outbox)) == (("", []) if status == 404 else ("changed", [1]))


@pytest.mark.parametrize("status", [200, 409, 404])
def test_an_async_request(application, outbox, engine, url, status):
    async_engine = create_async_engine(async_url(url))
    factory = async_sessionmaker(async_engine)

    async def begun():
        async with factory.begin() as db:
            yield db

    @application.post("/")
    async def create(db: Annotated[AsyncSession, Depends(begun)]):
        db.add(Policy(id=1))
        await db.flush()
        publish(1)
        return refused(status)

    with client_of(None, SQLAlchemyOutbox(factory)) as client, events.override(client):
        post(application, status=status)
    expected = [1] if status in (200, 409) else []
    assert (rows(engine), stored(outbox)) == (expected, expected)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_background_task_with_a_session_of_its_own_beside_one_that_has_only_read(
    application, follower, following, factory, engine
):
    def opened():
        with factory() as db:
            yield db

    def later():
        with factory.begin() as own:
            own.add(Policy(id=2))
            publish(2)

    @application.post("/")
    def create(tasks: BackgroundTasks, db: Annotated[Session, Depends(opened)]):
        db.add(Policy(id=1))
        publish(1)
        db.commit()
        db.scalars(select(Policy)).all()
        tasks.add_task(later)
        return {}

    post(application, status=200)
    assert (rows(engine), stored(following)) == ([1, 2], [1, 2])


def test_a_commit_that_fails_after_the_handler_drops_row_and_event(application, follower, following, factory, engine):
    def begun():
        with factory.begin() as db:
            listening.listen(db, "before_commit", failing)
            yield db

    def failing(_db):
        raise LookupError

    @application.post("/")
    def create(db: Annotated[Session, Depends(begun)]):
        db.add(Policy(id=1))
        publish(1)
        return {}

    TestClient(application, raise_server_exceptions=False).post("/")
    assert (rows(engine), stored(following)) == ([], [])
