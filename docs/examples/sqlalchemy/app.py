import json
import os
from pathlib import Path

from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from bc_events import EventClient, events
from bc_events.outbox import SQLAlchemyOutbox, outbox_table


class Base(DeclarativeBase):
    pass


class Policy(Base):
    __tablename__ = "policy"

    id: Mapped[int] = mapped_column(primary_key=True)
    premium: Mapped[int] = mapped_column(default=300)


FILE = Path(__file__).with_name("app.db")
FILE.unlink(missing_ok=True)

engine = create_engine(os.environ.get("DATABASE_URL", f"sqlite:///{FILE}"))
if engine.dialect.name == "sqlite":  # see "Savepoints on SQLite"
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
table = outbox_table(Base.metadata)
Base.metadata.create_all(engine)

Session = sessionmaker(engine)
outbox = SQLAlchemyOutbox(Session)
events.configure(EventClient("http://127.0.0.1:8026", "PolicyService", "topics.yaml", outbox=outbox))


def publish(number):
    """Stands for code anywhere below, which knows nothing of database sessions."""
    events.created_policy({"id": number})


def stored():
    """The policies whose events are in the outbox now: a relay sends these, and no others."""
    with engine.connect() as connection:
        payloads = connection.scalars(select(table.c.payload).order_by(table.c.seq)).all()
    return [json.loads(payload)["data"]["id"] for payload in payloads]


def saved():
    """The policies that are in the database now."""
    with engine.connect() as connection:
        return list(connection.scalars(select(Policy.id).order_by(Policy.id)))
