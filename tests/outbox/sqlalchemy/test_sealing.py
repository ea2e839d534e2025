"""Events that are sealed when the application's own transaction stores them."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from bc_events import events
from bc_events.errors import ConfigurationError, OutboxError
from bc_events.outbox import SQLAlchemyOutbox
from tests.outbox.relays import drained
from tests.outbox.service import client_of, numbers
from tests.outbox.sqlalchemy.work import Policy, publish


def reversed_bytes(text: bytes) -> bytes:
    return text[::-1]


def payloads(engine) -> list[str]:
    with engine.begin() as connection:
        return list(connection.exec_driver_sql("SELECT payload FROM bc_outbox").scalars())


@pytest.mark.parametrize("is_in_a_transaction", [True, False])
def test_an_event_is_sealed_in_the_table_and_arrives_opened(outbox, engine, api, is_in_a_transaction):
    sealing = SQLAlchemyOutbox(engine, seal=reversed_bytes, open=reversed_bytes)
    with events.session(client=client_of(None, sealing)):
        if is_in_a_transaction:
            with Session(engine) as db:
                sealing.bind(db)
                db.add(Policy(id=1))
                publish(7)
                db.commit()
        else:
            publish(7)
    (payload,) = payloads(engine)
    assert payload.startswith("sealed:")
    assert "number" not in payload
    drained(sealing.store, api)
    assert numbers(api.events()) == [7]


def test_a_commit_fails_with_an_event_that_cannot_be_sealed(outbox, engine):
    """The work is not stored without its event, nor the event unsealed."""

    def broken(_envelope):
        raise ValueError("no key")

    sealing = SQLAlchemyOutbox(engine, seal=broken)
    with events.session(client=client_of(None, sealing)), Session(engine) as db:
        sealing.bind(db)
        db.add(Policy(id=1))
        publish(7)
        with pytest.raises(OutboxError, match="could not be sealed"):
            db.commit()
        db.rollback()
        assert db.get(Policy, 1) is None
    assert payloads(engine) == []


@pytest.mark.parametrize("option", [{"seal": reversed_bytes}, {"keep": "90d"}])
def test_a_stream_has_no_archive_and_seals_nothing(option):
    with pytest.raises(ConfigurationError, match="leave out keep and seal"):
        SQLAlchemyOutbox("postgresql+psycopg://app@db/app", stream=True, **option)
