"""DjangoOutbox: committed means delivered in the end, rolled back means never."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from bc_events import ConfigurationError, DeliveryError, EventClient, events
from bc_events.errors import OutboxError
from bc_events.local import LocalEventsAPI
from bc_events.outbox._sql import schema
from bc_events.outbox.django import DjangoOutbox
from bc_events.outbox.django.models import OutboxRow
from tests.django.databases import create_tables
from tests.django.policies.models import Policy
from tests.django.settings import BC_EVENTS


@pytest.fixture(autouse=True)
def outbox_client(alias, client_of_events):
    client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox(alias))
    with events.override(client):
        yield client


@pytest.fixture
def stored(alias):
    """The ids of the events whose rows this thread sees, in order."""
    return lambda: [int(row.payload.split('"id":')[1].split("}")[0]) for row in OutboxRow.objects.using(alias)]


@pytest.fixture
def atomic(alias):
    return lambda **options: transaction.atomic(using=alias, **options)


def publish(number):
    return events.created_policy({"id": number})


def roll_back():
    raise ZeroDivisionError


def test_an_event_is_a_row_of_the_transaction_it_was_published_in(atomic, stored, alias):
    with events.session(), atomic():
        Policy.objects.using(alias).create(holder="ann")
        publish(1)
        assert stored() == [1]
    assert stored() == [1]


def test_the_row_holds_the_very_bytes_that_are_sent(atomic, alias):
    with events.session("job-1"), atomic():
        event = publish(1)
    [row] = OutboxRow.objects.using(alias)
    assert row.payload.encode() == event.envelope
    assert (row.event_id, row.job_id, row.topic, row.category) == (
        event.id,
        "job-1",
        "policies.PolicyCreated",
        "policies",
    )
    assert row.service == "PolicyService"
    assert row.published == event.time


def test_a_transaction_that_rolls_back_leaves_no_row(atomic, stored):
    with events.session(), suppress(ZeroDivisionError), atomic():
        publish(1)
        roll_back()
    assert stored() == []


@pytest.fixture
def manual(alias):
    connections[alias].ensure_connection()
    transaction.set_autocommit(False, using=alias)
    yield
    transaction.rollback(using=alias)
    transaction.set_autocommit(True, using=alias)


def test_a_flush_with_autocommit_off_is_refused(alias, request):
    """The rows would be part of a transaction that closing the connection rolls back, after the flush has returned."""
    session = events.session()
    with pytest.raises(DeliveryError, match="has autocommit off"), session:
        publish(1)
        request.getfixturevalue("manual")


def test_a_savepoint_that_rolls_back_takes_its_own_rows_along(atomic, stored):
    with events.session(), atomic():
        publish(1)
        with suppress(ZeroDivisionError), atomic():
            publish(2)
            roll_back()
        publish(3)
    assert stored() == [1, 3]


def test_an_event_published_outside_a_transaction_is_a_row_at_the_flush(stored):
    with events.session():
        publish(1)
        assert stored() == []
    assert stored() == [1]


def test_a_scope_that_fails_outside_a_transaction_stores_nothing(stored):
    with suppress(ZeroDivisionError), events.session():
        publish(1)
        roll_back()
    assert stored() == []


def test_a_scope_that_fails_inside_a_transaction_deletes_its_rows(atomic, stored):
    """The transaction around it goes on, and commits."""
    with atomic():
        publish_outside = events.session()
        with publish_outside:
            publish(1)
        with suppress(ZeroDivisionError), events.session():
            publish(2)
            roll_back()
    assert stored() == [1]


@pytest.mark.parametrize("own", [0, 1, 3, 6])
def test_a_scope_that_fails_waits_for_no_other_transaction(own, atomic, stored, alias, outbox_client):
    """Nor does another one wait for it. On MariaDB a statement may lock rows and gaps beside those that it changes."""
    if connections[alias].vendor == "sqlite":
        return  # it has one writer at a time
    published, withdrawn = threading.Event(), threading.Event()

    def other():
        with events.session("other", client=outbox_client), transaction.atomic(using=alias):
            wait_for_locks_briefly(alias)
            publish(1)
            published.set()
            assert withdrawn.wait(30)
            publish(2)
        connections[alias].close()

    with ThreadPoolExecutor(1) as pool, atomic():
        wait_for_locks_briefly(alias)
        Policy.objects.using(alias).create(holder="ann")
        with suppress(ZeroDivisionError), events.session():
            publish(3)
            done = pool.submit(other)
            assert published.wait(30)
            for number in range(4, 4 + own):
                publish(number)
            roll_back()
        withdrawn.set()
        done.result(30)
    assert stored() == [1, 2]
    assert Policy.objects.using(alias).count() == 1


def wait_for_locks_briefly(alias):
    with connections[alias].cursor() as cursor:
        is_postgres = connections[alias].vendor == "postgresql"
        cursor.execute("SET lock_timeout = 1000" if is_postgres else "SET innodb_lock_wait_timeout = 1")


def test_a_rollback_by_hand_deletes_rows_that_are_not_committed(atomic, stored):
    with events.session():
        with atomic():
            publish(1)
        with atomic():
            publish(2)
            assert events.rollback() == 1
    assert stored() == [1]


def test_what_has_committed_stays_though_the_scope_fails(atomic, stored):
    with suppress(ZeroDivisionError), events.session():
        publish(1)
        with atomic():
            publish(2)
        roll_back()
    assert stored() == [2]


def test_a_scope_that_fails_with_its_transaction_asks_nothing_more_of_the_database(atomic, stored, caplog):
    """After `savepoint=False` the transaction must be rolled back, and refuses every statement."""
    with suppress(ZeroDivisionError), atomic(), events.session(), atomic(savepoint=False):
        publish(1)
        roll_back()
    assert stored() == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.fixture
def jobs_of(caplog):
    """The jobs that the log names, with the number of their events."""
    return lambda level, key: [
        (record.bc_job_id, len(getattr(record, key))) for record in caplog.records if record.levelname == level
    ]


@contextmanager
def without_table(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE bc_outbox RENAME TO elsewhere")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO bc_outbox")


def publish_in_two_jobs():
    with events.session("job-1"):
        publish(1)
        publish(2)
    with events.session("job-2"):
        publish(3)


def test_what_a_commit_leaves_unstored_is_logged_under_each_job_s_own_id(atomic, alias, jobs_of):
    with ExitStack() as table, atomic():
        transaction.set_rollback(True, using=alias)
        publish_in_two_jobs()
        transaction.set_rollback(False, using=alias)
        transaction.on_commit(lambda: None, using=alias)
        connections[alias].run_on_commit.insert(0, (set(), lambda: table.enter_context(without_table(alias)), False))
    assert jobs_of("ERROR", "bc_events") == [("job-1", 2), ("job-2", 1)]


@pytest.mark.parametrize("alias", ["sqlite"], indirect=True)
def test_what_a_rollback_undid_is_logged_under_each_job_s_own_id(atomic, outbox_client, alias, jobs_of):
    sessions = [outbox_client.service_session("job-1"), outbox_client.service_session("job-2")]
    for session in sessions:
        session.created_policy({"id": 1})
    with suppress(ZeroDivisionError), atomic():
        for session in sessions:
            session.flush()
        roll_back()
    assert jobs_of("WARNING", "bc_events") == [("job-1", 1), ("job-2", 1)]
    with without_table(alias):
        outbox_client.close()
    assert jobs_of("ERROR", "bc_undelivered") == [("job-1", 1), ("job-2", 1)]


def test_an_async_scope_stores_on_django_s_own_thread(stored):
    async def main():
        async with events.session():
            publish(1)
        return await sync_to_async(stored)()

    assert asyncio.run(main()) == [1]


def test_an_async_scope_around_a_transaction_in_synchronous_code(atomic, stored):
    @sync_to_async
    def work(*, fails):
        with suppress(ZeroDivisionError), atomic():
            publish(2 if fails else 1)
            if fails:
                roll_back()

    async def main():
        async with events.session():
            await work(fails=False)
            await work(fails=True)
        return await sync_to_async(stored)()

    assert asyncio.run(main()) == [1]


def test_an_async_scope_that_is_cancelled_during_its_flush_ends_after_it(stored, outbox_client):
    is_sending, may_send, has_sent = threading.Event(), threading.Event(), threading.Event()
    send = outbox_client.delivery.send

    def slow(events):
        is_sending.set()
        may_send.wait(10)
        send(events)
        has_sent.set()

    outbox_client.delivery.send = slow

    async def work():
        async with events.session():
            publish(1)

    async def main():
        task = asyncio.create_task(work())
        await asyncio.to_thread(is_sending.wait, 10)
        task.cancel()
        await asyncio.wait([task], timeout=0.05)
        assert not task.done()
        may_send.set()
        await asyncio.wait([task])
        assert task.cancelled()
        assert has_sent.is_set()

    asyncio.run(main())
    assert stored() == [1]


class TestRefusals:
    """If the database refuses a row, an error says so."""

    @pytest.fixture(autouse=True)
    def no_table(self, alias):
        with connections[alias].cursor() as cursor:
            cursor.execute(f"ALTER TABLE {schema.TABLE} RENAME TO away")
        yield
        with connections[alias].cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {schema.TABLE}")

    def test_inside_a_transaction_the_publish_call_raises_and_the_transaction_rolls_back(self, atomic, alias):
        with pytest.raises(OutboxError, match="manage.py migrate"), events.session(), atomic():
            Policy.objects.using(alias).create(holder="ann")
            publish(1)
        assert Policy.objects.using(alias).count() == 0

    def test_outside_one_the_flush_raises_with_what_is_undelivered(self):
        with pytest.raises(DeliveryError) as caught:
            events.session()(publish)(1)
        [undelivered] = caught.value.undelivered
        assert undelivered.event.data == {"id": 1}
        assert "manage.py migrate" in undelivered.reason

    def test_no_message_shows_data(self, atomic):
        with pytest.raises(OutboxError) as caught, events.session(), atomic():
            events.created_policy({"id": 1, "name": "secret-of-ann"})
        assert "secret-of-ann" not in str(caught.value)


class TestRelay:
    """`manage.py bc_events_relay`, in this process; in one of its own it is with the example service."""

    @pytest.fixture
    def api(self):
        with LocalEventsAPI() as api:
            yield api

    @pytest.fixture
    def relayed(self, alias, api):
        """A client whose outbox and relay are in this database."""

        def relayed(**options):
            outbox = DjangoOutbox(alias, **options)
            client = EventClient(api.url, "PolicyService", BC_EVENTS["TOPICS"], outbox=outbox)
            stack.callback(outbox.store.close)
            stack.enter_context(client)
            stack.enter_context(events.override(client))

        with ExitStack() as stack:
            yield relayed

    def test_it_sends_what_has_committed_and_nothing_else(self, relayed, api, atomic, stored):
        relayed()
        with events.session("job-1"):
            with atomic():
                publish(1)
            with suppress(ZeroDivisionError), atomic():
                publish(2)
                roll_back()
        call_command("bc_events_relay", drain=True, stdout=StringIO())
        [event] = api.events()
        assert (event.data, event.job_id) == ({"id": 1}, "job-1")
        assert stored() == []

    def test_one_in_the_process_wakes_when_a_transaction_commits(self, relayed, api, atomic):
        relayed(relay=True)
        with events.session(), atomic():
            publish(1)
        [event] = api.wait(count=1, timeout=20)
        assert event.data == {"id": 1}

    def test_it_needs_an_api(self, alias):
        with pytest.raises(CommandError, match="an outbox and an api_url"):
            call_command("bc_events_relay")

    def test_it_needs_an_outbox(self, client_of_events):
        with events.override(client_of_events), pytest.raises(CommandError, match="OUTBOX"):
            call_command("bc_events_relay")

    def test_it_needs_a_table(self, alias, relayed):
        relayed()
        with connections[alias].cursor() as cursor:
            of_table = f" ON {schema.SENT}" if connections[alias].vendor == "mysql" else ""
            cursor.execute(f"DROP INDEX {schema.MARK}{of_table}")
        try:
            with pytest.raises(CommandError, match="migrations"):
                call_command("bc_events_relay")
        finally:
            with connections[alias].cursor() as cursor:
                if of_table:  # the indexes are made with the table
                    cursor.execute(f"DROP TABLE {schema.SENT}")
            create_tables(alias)

    def test_an_embedded_one_needs_an_api(self, alias):
        with pytest.raises(ConfigurationError, match="needs an api_url"):
            EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox(alias, relay=True))
