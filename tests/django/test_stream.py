"""DjangoOutbox as a stream: its rows are in the log of the database alone, whichever way their transaction goes."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction

from bc_events import ConfigurationError, DeliveryError, EventClient, events
from bc_events.outbox.django import DjangoOutbox
from tests.django.policies.models import Policy
from tests.django.settings import BC_EVENTS
from tests.outbox.streamed_rows import left, seen, unwatch, watch


@pytest.fixture(params=["postgres", "mariadb"])
def alias(request, django_db_blocker):
    alias = request.getfixturevalue(f"{request.param}_alias")
    server = request.getfixturevalue({"postgres": "postgres", "mariadb": "mariadb"}[request.param])
    url = server.url("django")
    with django_db_blocker.unblock():
        watch(url)
        yield alias
        Policy.objects.using(alias).all().delete()
        connections[alias].close()
        unwatch(url)


@pytest.fixture
def came(alias, request):
    """The numbers of the events that the log has. The table has none."""
    server = request.getfixturevalue({"postgres": "postgres", "mariadb": "mariadb"}[alias])
    url = server.url("django")

    def came() -> list[int]:
        assert left(url) == 0
        return [json.loads(row["payload"])["data"]["id"] for row in seen(url)]

    came.rows = lambda: seen(url)
    return came


@pytest.fixture(autouse=True)
def stream_client(alias, client_of_events):
    client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox(alias, stream=True))
    with events.override(client):
        yield client


@pytest.fixture
def atomic(alias):
    return lambda **options: transaction.atomic(using=alias, **options)


def publish(*numbers):
    for number in numbers:
        events.created_policy({"id": number})


def roll_back():
    raise ZeroDivisionError


def test_a_commit_brings_its_events_as_one_request(atomic, came, alias):
    with events.session("job-1"), atomic():
        Policy.objects.using(alias).create(holder="ann")
        publish(1, 2)
    assert came() == [1, 2]
    assert [(row["aggregateid"], row["batch_first"], row["batch_last"]) for row in came.rows()] == [
        ("job-1", 1, 2),
        ("job-1", 2, 2),
    ]


def test_a_scope_inside_the_transaction_brings_its_events_with_the_commit(atomic, came):
    with atomic():
        with events.session():
            publish(1)
        assert came() == []
    assert came() == [1]


def test_a_rollback_brings_none(atomic, came):
    with events.session(), suppress(ZeroDivisionError), atomic():
        publish(1)
        roll_back()
    with events.session(), atomic():
        publish(2)
        transaction.set_rollback(True, using=connections_alias(atomic))
    assert came() == []


def connections_alias(atomic):
    return atomic().using


def test_a_savepoint_that_is_rolled_back_brings_none(atomic, came):
    with events.session(), atomic():
        publish(1)
        with suppress(ZeroDivisionError), atomic():
            publish(2)
            roll_back()
        with atomic():
            publish(3)
        publish(4)
    assert came() == [1, 3, 4]


def test_a_scope_that_fails_in_a_transaction_that_goes_on_brings_none(atomic, came):
    """A row that had been inserted would be in the log, even if it was deleted again."""
    with atomic():
        with suppress(ZeroDivisionError), events.session():
            publish(1)
            roll_back()
        with events.session():
            publish(2)
    assert came() == [2]


def test_a_rollback_by_hand_brings_none(atomic, came):
    with events.session() as session, atomic():
        publish(1)
        session.rollback()
        publish(2)
    assert came() == [2]


def test_a_flush_outside_of_transactions_brings_its_events(came):
    with events.session():
        publish(1, 2)
    assert came() == [1, 2]


def test_a_flush_inside_a_transaction_that_does_not_decide_brings_its_events(atomic, came):
    with events.session() as session:
        publish(1)
        with suppress(ZeroDivisionError), atomic():
            session.flush()
            roll_back()
    assert came() == [1]


def test_the_next_transaction_of_a_connection_brings_its_own_events(atomic, came):
    for number in range(3):
        with events.session(), atomic():
            publish(number)
        with events.session(), suppress(ZeroDivisionError), atomic():
            publish(100 + number)
            roll_back()
    assert came() == [0, 1, 2]


def test_a_connection_is_as_before_once_the_transaction_has_ended(atomic, alias):
    for end in (roll_back, lambda: None):
        with events.session(), suppress(ZeroDivisionError), atomic():
            publish(1)
            end()
        gc.collect()
        assert "commit" not in vars(connections[alias])


def test_two_clients_in_one_transaction_bring_all_their_events(atomic, came, alias):
    other = EventClient(None, "OtherService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox(alias, stream=True))
    with atomic(), events.session():
        publish(1)
        with events.session(client=other):
            publish(2)
        publish(3)
    assert sorted(came()) == [1, 2, 3]
    assert sorted(row["service"] for row in came.rows()) == ["OtherService", "PolicyService", "PolicyService"]
    assert "commit" not in vars(connections[alias])


def test_events_of_two_databases_wait_for_both(atomic, came, sqlite_alias):
    with events.session(), transaction.atomic(using=sqlite_alias), atomic():
        publish(1)
    with events.session(), atomic(), transaction.atomic(using=sqlite_alias):
        publish(2)
    with events.session(), suppress(ZeroDivisionError), transaction.atomic(using=sqlite_alias):
        with atomic():
            publish(3)
        roll_back()
    assert came() == [1, 2]


def test_a_transaction_whose_rows_cannot_be_written_is_rolled_back(atomic, came, alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE bc_outbox RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseError), events.session(), atomic():
            Policy.objects.using(alias).create(holder="ann")
            publish(1)
        assert not Policy.objects.using(alias).exists()
        with pytest.raises(DeliveryError), events.session():
            publish(2)
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO bc_outbox")
    with events.session(), atomic():
        publish(3)
    assert came() == [3]


def test_an_interruption_while_rows_are_written_rolls_back(atomic, came, alias):
    def interrupt(execute, sql, params, many, context):
        if "bc_outbox" in sql:
            raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with pytest.raises(KeyboardInterrupt), connections[alias].execute_wrapper(interrupt), events.session(), atomic():
        Policy.objects.using(alias).create(holder="ann")
        publish(1)
    assert not Policy.objects.using(alias).exists()
    with events.session(), atomic():
        publish(2)
    assert came() == [2]


def test_on_commit_hooks_may_publish(atomic, came, alias):
    with events.session(), atomic():
        transaction.on_commit(lambda: publish(2), using=alias)
        publish(1)
    assert came() == [1, 2]


def test_async_code_brings_its_events(atomic, came):
    @sync_to_async
    def work():
        with atomic():
            publish(1)

    async def main():
        async with events.session():
            await work()
        async with events.session():
            publish(2)

    asyncio.run(main())
    assert came() == [1, 2]


def test_threads_do_not_wait_for_each_other(atomic, came, alias):
    def write(first):
        try:
            for number in range(first, first + 10):
                with events.session(), atomic():
                    Policy.objects.using(alias).create(holder="ann")
                    publish(number)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=write, args=(100 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came()) == 40


def test_a_relay_refuses_a_stream(alias, stream_client):
    with pytest.raises(CommandError, match="this outbox is a stream"):
        call_command("bc_events_relay", drain=True, within="1")
    with pytest.raises(ConfigurationError, match="give relay or stream, not both"):
        DjangoOutbox(alias, stream=True, relay=True)


def test_sqlite_has_no_stream(sqlite_alias):
    with pytest.raises(ConfigurationError, match="SQLite has no log"):
        EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox(sqlite_alias, stream=True))
