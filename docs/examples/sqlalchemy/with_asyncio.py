import asyncio

from app import Policy, engine, publish, stored
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from bc_events import EventClient, events
from bc_events.outbox import SQLAlchemyOutbox

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}

async_engine = create_async_engine(engine.url.set(drivername=DRIVERS[engine.dialect.name]))
AsyncSession = async_sessionmaker(async_engine)
outbox = SQLAlchemyOutbox(AsyncSession)
events.configure(EventClient("http://127.0.0.1:8026", "PolicyService", "topics.yaml", outbox=outbox))


async def main():
    async with events.session(), AsyncSession.begin() as db:
        db.add(Policy(id=1))
        publish(1)

    async with events.session(), AsyncSession() as db:
        db.add(Policy(id=2))
        publish(2)
        await db.rollback()

    await async_engine.dispose()


asyncio.run(main())
assert stored() == [1]
