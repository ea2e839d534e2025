"""Between the outbox and PostgreSQL is PgBouncer, which gives each transaction another server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from bc_events import EventClient, events
from bc_events.outbox import Relay, SQLAlchemyOutbox
from bc_events.outbox._sqlalchemy.engine import engine_at
from tests.outbox.relays import until
from tests.outbox.service import QUICK, TOPICS, api_of
from tests.pgbouncer import MISSING, PgBouncer, is_installed

JOBS = 6
PER_JOB = 12


@pytest.fixture(scope="module")
def bouncer(postgres):
    if not is_installed():
        pytest.skip(MISSING)
    bouncer = PgBouncer(postgres, pool_size=3)
    yield bouncer.start()
    bouncer.stop()


@pytest.fixture
def url(bouncer, postgres_url, postgres):
    with postgres.connect() as connection:
        connection.execute("CREATE TABLE policy (id integer)")
    return bouncer.url


@pytest.fixture
def relays(api):
    """Starts relays with stores of their own."""
    started = []

    def relays(stores, order):
        for store in stores:
            started.append(Relay(store, api_of(api.url), workers=2, order=order, settings=QUICK))
            started[-1].start()

    yield relays
    for relay in started:
        relay.stop()
        relay.join()
        relay.store.close()


def insert(job, number):
    return text("INSERT INTO policy VALUES (:id)"), {"id": job * PER_JOB + number}


def publish(factory, client, job):
    """Every third transaction is rolled back."""
    with events.session(f"job-{job}", client=client):
        for number in range(PER_JOB):
            with factory() as db:
                db.execute(*insert(job, number))
                events.created_thing({"number": number})
                db.rollback() if number % 3 == 2 else db.commit()


async def publish_async(factory, client, job):
    async with events.session(f"job-{job}", client=client):
        for number in range(PER_JOB):
            async with factory() as db:
                await db.execute(*insert(job, number))
                events.created_thing({"number": number})
                await (db.rollback() if number % 3 == 2 else db.commit())


def work(url, driver):
    """Publishes on several connections at once. Returns how many policies were committed."""
    options = {"connect_args": {"prepare_threshold": None}} if driver == "psycopg" else {}
    engine = create_engine(url(driver=f"postgresql+{driver}"), **options)
    factory = sessionmaker(engine)
    client = EventClient(None, "PolicyService", TOPICS, outbox=SQLAlchemyOutbox(factory))
    with client, ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda job: publish(factory, client, job), range(JOBS)))
    with engine.begin() as connection:
        count = connection.scalar(text("SELECT count(*) FROM policy"))
    engine.dispose()
    return count


async def work_async(url, driver):
    unprepared = {
        "psycopg_async": {"prepare_threshold": None},
        "asyncpg": {"statement_cache_size": 0, "prepared_statement_name_func": lambda: f"__{uuid4()}__"},
    }
    engine = create_async_engine(
        url(driver=f"postgresql+{driver}"), poolclass=NullPool, connect_args=unprepared[driver]
    )
    factory = async_sessionmaker(engine)
    outbox = SQLAlchemyOutbox(factory)
    with EventClient(None, "PolicyService", TOPICS, outbox=outbox) as client:
        await asyncio.gather(*(publish_async(factory, client, job) for job in range(JOBS)))
    async with engine.begin() as connection:
        count = await connection.scalar(text("SELECT count(*) FROM policy"))
    await engine.dispose()
    return count


@pytest.mark.parametrize("order", ["time", "job"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "psycopg_async", "asyncpg"])
def test_applications_and_relays_share_its_servers(url, relays, api, driver, order):
    stores = [SQLAlchemyOutbox(engine_at(url())).store for _ in range(2)]
    relays(stores, order)
    is_async = driver in ("psycopg_async", "asyncpg")
    committed = asyncio.run(work_async(url, driver)) if is_async else work(url, driver)
    assert committed == JOBS * PER_JOB * 2 // 3
    until(lambda: stores[0].stats().pending == 0)
    arrived = {}
    for event in api.events():
        arrived.setdefault(event.job_id, []).append(event.data["number"])
    assert {job: sorted(numbers) for job, numbers in arrived.items()} == {
        f"job-{job}": [number for number in range(PER_JOB) if number % 3 != 2] for job in range(JOBS)
    }
    if order == "job":
        assert all(one < other for numbers in arrived.values() for one, other in pairwise(numbers))
