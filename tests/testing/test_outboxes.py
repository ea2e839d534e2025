"""Outboxes in tests: a file keeps nothing that a later process would send; a transaction still decides."""

from contextlib import suppress

import pytest
from sqlalchemy import create_engine
from sqlalchemy.event import listen
from sqlalchemy.orm import Session, sessionmaker

from bc_events import DeliveryError, EventClient, events
from bc_events._delivery import networks
from bc_events.outbox import SQLAlchemyOutbox, SQLiteOutbox
from bc_events.testing import capture_events
from tests.testing.topics import TOPICS

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(params=[NOWHERE, None], ids=["with an API", "without"])
def client(request, tmp_path):
    outbox = SQLiteOutbox(tmp_path / "events.db", relay=False)
    with EventClient(request.param, "PolicyService", TOPICS, outbox=outbox) as client:
        yield client


def test_what_is_captured_is_not_stored(client, tmp_path):
    with capture_events() as captured, events.session(client=client):
        events.created_policy({"id": "p1"})
    captured.sent.assert_published("created_policy")
    assert list(tmp_path.iterdir()) == []


def test_with_the_real_network_it_is_stored(client, tmp_path):
    with capture_events(network=None) as captured, events.session(client=client):
        events.created_policy({"id": "p1"})
    captured.confirmed.assert_published("created_policy")
    captured.sent.assert_nothing_published()
    assert client.outbox.store.stats().pending == 1


def test_without_a_capture_it_is_refused_and_not_stored(tmp_path):
    outbox = SQLiteOutbox(tmp_path / "events.db")
    networks.connect(networks.closed)
    try:
        with pytest.raises(DeliveryError, match="nothing is sent under pytest"):
            publish(EventClient(NOWHERE, "PolicyService", TOPICS, outbox=outbox))
    finally:
        networks.disconnect(networks.closed)
    assert list(tmp_path.iterdir()) == []


def test_an_event_outside_a_transaction_is_reported_as_that(suite):
    """Not as a matter of the network: in a transaction it would have been stored."""
    networks.connect(networks.closed)
    try:
        with pytest.raises(DeliveryError, match="outside of a transaction") as caught, events.session():
            events.created_policy({"id": "p1"})
        with events.session(), suite[0].begin():
            events.created_policy({"id": "p2"})
    finally:
        networks.disconnect(networks.closed)
    assert caught.value.undelivered[0].outcome == "unsent"
    assert "bc_events_network" not in str(caught.value)


def publish(client):
    with client, events.session(client=client):
        events.created_policy({"id": "p1"})


@pytest.fixture
def transaction(tmp_path):
    """A scope, and a database transaction that decides about what is published in it."""
    engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    outbox = SQLAlchemyOutbox(engine)
    outbox.create()
    client = EventClient(NOWHERE, "PolicyService", TOPICS, outbox=outbox)
    with client, events.session(client=client), Session(engine) as db:
        outbox.bind(db)
        yield db.begin()
    engine.dispose()


def test_an_event_is_confirmed_when_its_transaction_commits(captured_events, transaction):
    events.created_policy({"id": "p1"})
    assert len(captured_events.confirmed) == 0
    transaction.commit()
    captured_events.confirmed.assert_published("created_policy")


def test_an_event_is_dropped_when_its_transaction_rolls_back(captured_events, transaction):
    events.created_policy({"id": "p1"})
    transaction.rollback()
    captured_events.assert_nothing_published()
    captured_events.dropped.assert_published("created_policy")


@pytest.fixture
def suite(tmp_path):
    """A service under test as SQLAlchemy's documentation has it: all that a test commits is rolled back at its end."""
    engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    factory = sessionmaker(engine)
    outbox = SQLAlchemyOutbox(factory)
    outbox.create()
    with engine.connect() as connection, EventClient(NOWHERE, "PolicyService", TOPICS, outbox=outbox) as client:
        outer = connection.begin()
        factory.configure(bind=connection, join_transaction_mode="create_savepoint")
        with events.override(client):
            yield factory, connection
        outer.rollback()
    assert outbox.store.stats().pending == 0
    engine.dispose()


def test_in_a_test_s_own_transaction_a_commit_still_confirms_and_a_rollback_still_drops(captured_events, suite):
    """The row is in that transaction, as the work is, and gone with it."""
    factory, connection = suite
    with events.session(), factory.begin():
        events.created_policy({"id": "p1"})
    with suppress(ZeroDivisionError), events.session(), factory.begin():
        events.created_policy({"id": "p2"})
        raise ZeroDivisionError
    captured_events.assert_published("created_policy", id="p1")
    captured_events.dropped.assert_published("created_policy", id="p2")
    assert connection.exec_driver_sql("SELECT count(*) FROM bc_outbox").scalar() == 1


def test_outside_a_transaction_what_is_captured_is_not_stored(suite):
    """It would outlive the test, and here it would wait for the lock that the test's own transaction holds."""
    _factory, connection = suite
    connection.exec_driver_sql("DELETE FROM bc_outbox")
    with capture_events() as captured, events.session():
        events.created_policy({"id": "p1"})
    captured.confirmed.assert_published("created_policy", id="p1")
    assert connection.exec_driver_sql("SELECT count(*) FROM bc_outbox").scalar() == 0
