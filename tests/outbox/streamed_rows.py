"""What a stream's outbox has written: change data capture would read it in the log, and a trigger notes it here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEEN = "id, aggregatetype, aggregateid, type, payload, service, trace, batch, batch_first, batch_last"
_FUNCTION = """
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO seen SELECT NEW.*; RETURN NULL; END $$
"""
_POSTGRESQL = (
    "CREATE TABLE seen AS SELECT * FROM bc_outbox",
    _FUNCTION,
    "CREATE TRIGGER see AFTER INSERT ON bc_outbox FOR EACH ROW EXECUTE FUNCTION see()",
)
_NEW = f"NEW.{SEEN.replace(', ', ', NEW.')}"
_MARIADB = (
    f"CREATE TABLE seen (seq bigint AUTO_INCREMENT PRIMARY KEY) AS SELECT {SEEN} FROM bc_outbox",
    f"CREATE TRIGGER see AFTER INSERT ON bc_outbox FOR EACH ROW INSERT INTO seen ({SEEN}) VALUES ({_NEW})",
)


def watch(url: str) -> None:
    """Notes each row of the outbox that a transaction inserts and commits."""
    _run(url, *(_POSTGRESQL if url.startswith("postgresql") else _MARIADB))


def unwatch(url: str) -> None:
    of_table = " ON bc_outbox" if url.startswith("postgresql") else ""
    _run(url, f"DROP TRIGGER see{of_table}", "DROP TABLE seen")
    if url.startswith("postgresql"):
        _run(url, "DROP FUNCTION see()")


def seen(url: str) -> list[dict]:
    return [dict(row._mapping) for row in _run(url, f"SELECT {SEEN} FROM seen ORDER BY seq")]


def taken(engine: Engine) -> list[int]:
    """The numbers of the events that have come since the last call."""
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM bc_outbox")).scalar() == 0
        payloads = connection.execute(text("SELECT payload FROM seen ORDER BY seq")).scalars().all()
        connection.execute(text("DELETE FROM seen"))
    return [json.loads(payload)["data"]["id"] for payload in payloads]


def left(url: str) -> int:
    """How many rows the table of the outbox has."""
    return _run(url, "SELECT count(*) FROM bc_outbox")[0][0]


def _run(url: str, *statements: str):
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            results = [connection.execute(text(statement)) for statement in statements]
            return results[-1].all() if results[-1].returns_rows else []
    finally:
        engine.dispose()
