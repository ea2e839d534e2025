"""Connections of Django's that the server has closed while nobody used them: the outbox takes another one.

CONN_MAX_AGE may keep a connection for longer than the server does. Requests close such connections when they begin and
end; a consumer, a command or a late event does not.
"""

from __future__ import annotations

import pytest
from django.db import OperationalError, connections, transaction

from bc_events import EventClient, OutboxError, events
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay, RelaySettings
from bc_events.outbox.django import DjangoOutbox
from tests.outbox.relays import until
from tests.outbox.rows import claimed, in_claim
from tests.outbox.service import api_of, row

from .policies.models import Policy
from .settings import BC_EVENTS


@pytest.fixture(params=["postgres", "mariadb"])
def alias(request, django_db_blocker):
    alias = request.getfixturevalue(f"{request.param}_alias")
    with django_db_blocker.unblock():
        yield alias
        connections[alias].close()
        for table in ("bc_outbox", "policies_policy"):
            _run(alias, f"DELETE FROM {table}")


@pytest.fixture
def outbox(alias):
    outbox = DjangoOutbox(alias)
    yield outbox
    outbox.store.close()


@pytest.fixture
def client(outbox):
    with EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=outbox) as client:
        yield client


def _run(alias, *statements):
    other = connections[alias].copy()
    with other.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        found = cursor.fetchall() if cursor.description else []
    other.close()
    return found


def use(alias):
    """Opens this thread's connection."""
    return Policy.objects.using(alias).count()


def close_on_server(alias):
    """Every connection to the database, as its time limit for idle ones does."""
    if connections[alias].vendor == "postgresql":
        assert _run(
            alias,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        return
    found = _run(
        alias,
        "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
    )
    assert found
    _run(alias, *(f"KILL {number}" for (number,) in found), "SELECT 1")


def only_read(alias, *, is_on):
    """New connections; those that are open stay as they are."""
    if connections[alias].vendor == "postgresql":
        value = "= on" if is_on else "TO DEFAULT"
        name = connections[alias].settings_dict["NAME"]
        _run(
            alias,
            "SET default_transaction_read_only = off",
            f"ALTER DATABASE {name} SET default_transaction_read_only {value}",
        )
    else:
        _run(alias, f"SET GLOBAL tx_read_only = {'ON' if is_on else 'OFF'}")


def pending(alias):
    return _run(alias, "SELECT count(*) FROM bc_outbox")[0][0]


def test_a_late_event_is_stored(alias, client):
    """Its scope ends long after the last query."""
    with events.session("job-1", client=client):
        use(alias)
        events.created_policy({"id": 1})
        close_on_server(alias)
    assert pending(alias) == 1


def test_a_flush_beside_a_transaction_outlives_a_connection_that_was_idle(alias, client):
    """It has connections for itself, of which the first one is kept."""
    for number in range(2):
        with events.session(f"job-{number}", client=client):
            events.created_policy({"id": number})
            with transaction.atomic(using=alias):
                use(alias)
                events.flush()
        if number == 0:
            close_on_server(alias)
            connections[alias].close()
    assert pending(alias) == 2


@pytest.mark.parametrize("work", ["add", "claim", "stats"])
def test_a_store_outlives_connections_that_were_idle(alias, outbox, work):
    outbox.store.add([row(1)])
    close_on_server(alias)
    if work == "add":
        outbox.store.add([row(2)])
    elif work == "claim":
        assert len(in_claim(claimed(outbox.store))) == 1
    assert outbox.store.stats().pending == (2 if work == "add" else 1)


def test_a_relay_that_was_idle_sends_without_a_word(alias, outbox, caplog):
    settings = RelaySettings(poll=(60, 60))
    with LocalEventsAPI() as api, Relay(outbox.store, api_of(api.url), settings=settings) as relay:
        relay.wait_until_idle(30)
        until(lambda: outbox.store._database._idle)
        close_on_server(alias)
        other = DjangoOutbox(alias).store
        other.add([row(1)])
        relay.wake()
        until(lambda: len(api.events()) == 1)
    assert caplog.records == []
    other.close()


def test_a_transaction_of_the_application_is_not_repeated(alias, client):
    """Its work is lost with its connection, so its event is dropped."""
    with events.session("job-1", client=client):
        with pytest.raises((OperationalError, OutboxError)), transaction.atomic(using=alias):
            Policy.objects.using(alias).create(holder="Ada")
            close_on_server(alias)
            events.created_policy({"id": 1})
        connections[alias].close()
    assert pending(alias) == 0
    assert use(alias) == 0


@pytest.mark.parametrize("is_the_thread_s", [True, False])
def test_a_connection_to_a_former_primary_is_given_up(alias, client, outbox, is_the_thread_s):
    connections[alias].close()
    only_read(alias, is_on=True)
    try:
        use(alias)
        with pytest.raises(OutboxError):
            outbox.store.add([row(1)])
        use(alias)
    finally:
        only_read(alias, is_on=False)
    if is_the_thread_s:
        with events.session("job-1", client=client):
            events.created_policy({"id": 1})
    else:
        outbox.store.add([row(1)])
    assert pending(alias) == 1
