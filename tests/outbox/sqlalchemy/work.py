"""The work that these tests commit or roll back, and what they look at afterwards."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bc_events import events


class Base(DeclarativeBase):
    pass


class Policy(Base):
    __tablename__ = "policy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), default="")


def publish(*values: int) -> None:
    for number in values:
        events.created_thing({"number": number})


def stored(outbox) -> list[int]:
    import json

    return [json.loads(row.payload)["data"]["number"] for row in outbox.store.show()]


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def async_url(url: str) -> str:
    return url.replace("sqlite://", "sqlite+aiosqlite://").replace("+pymysql", "+asyncmy")


def failing(_db):
    raise LookupError("broken")
