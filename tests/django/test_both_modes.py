"""Direct delivery and DjangoOutbox keep the same promises: each test runs with both, and with the outbox on SQLite and
PostgreSQL. Random programs of the same parts are in tests/transactions.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager, suppress

import pytest
from django.db import connections, transaction
from django.db.models.signals import post_save

from bc_events import ConfigurationError, EventClient, events
from bc_events._delivery import observers
from bc_events.integrations.django import follow_transactions
from bc_events.outbox.django import DjangoOutbox
from bc_events.outbox.django.models import OutboxRow
from bc_events.testing import capture_events

from .policies.models import Policy
from .savepoints import savepoint_create
from .settings import BC_EVENTS

OTHER = "second"
FAILS = suppress(ZeroDivisionError)


class Service:
    """A client of one mode. `arrived` has the ids of the events that were sent or stored, in order."""

    def __init__(self, alias, client, arrived):
        self.alias = alias
        self.client = client
        self.arrived = arrived

    def atomic(self, using=None, **options):
        return transaction.atomic(using=using or self.alias, **options)

    def execute(self, statement):
        with connections[self.alias].cursor() as cursor:
            cursor.execute(statement)


@pytest.fixture(params=["direct", "outbox on sqlite", "outbox on postgres"])
def service(request, delivery, django_db_blocker):
    mode, _, database = request.param.partition(" on ")
    alias = request.getfixturevalue(f"{database or 'sqlite'}_alias")
    outbox = None if mode == "direct" else DjangoOutbox(alias)
    with django_db_blocker.unblock(), ExitStack() as stack:
        client = EventClient(
            None, "PolicyService", BC_EVENTS["TOPICS"], outbox=outbox, delivery=None if outbox else delivery
        )
        stack.enter_context(client)
        stack.enter_context(events.override(follow_transactions(client)))
        stack.enter_context(second_database())
        stack.callback(lambda: [model.objects.using(alias).all().delete() for model in (OutboxRow, Policy)])
        yield Service(alias, client, (lambda: stored(alias)) if outbox else lambda: delivery.ids)


@contextmanager
def second_database():
    connections.databases[OTHER] = {**connections.databases["default"], "NAME": ":memory:", "OPTIONS": {}}
    yield
    connections[OTHER].close()
    del connections.databases[OTHER]
    del connections[OTHER]


def stored(alias):
    return [json.loads(row.payload)["data"]["id"] for row in OutboxRow.objects.using(alias)]


def publish(number):
    return events.created_policy({"id": number})


def roll_back():
    raise ZeroDivisionError


def warnings(caplog):
    """The numbers of dropped events that are warned of."""
    return [record.bc_dropped for record in caplog.records if record.levelname == "WARNING"]


class Confirmed:
    """An observer that counts each call, where captured events have a last stage alone."""

    published = None

    def __init__(self):
        self.ids = []

    def confirmed(self, events):
        self.ids += [event.data["id"] for event in events]

    def __getattr__(self, _name):
        return lambda *_, **__: None


@pytest.fixture
def confirmed():
    observers.add(observer := Confirmed())
    yield observer.ids
    observers.remove(observer)


class TestScopes:
    def test_what_has_committed_is_sent_by_a_flush_though_its_inner_scope_failed(self, service):
        with events.session():
            with FAILS, events.session():
                with service.atomic():
                    publish(1)
                roll_back()
            publish(2)
            events.flush()
            assert service.arrived() == [1, 2]

    def test_what_has_committed_is_sent_at_the_end_though_its_inner_scope_failed(self, service):
        with events.session(), FAILS, events.session():
            with service.atomic():
                publish(1)
            roll_back()
        assert service.arrived() == [1]

    def test_each_event_of_a_rollback_is_told_once(self, service, caplog):
        """To the log with their number, and to observers: metrics and tests."""
        with capture_events(network=None) as captured, events.session():
            with FAILS, service.atomic():
                publish(1)
                publish(2)
                roll_back()
            assert [event.data["id"] for event in captured.dropped] == [1, 2]
        assert warnings(caplog) == [2]
        assert list(captured.confirmed) == []

    def test_a_session_lists_what_a_transaction_holds_until_it_is_rolled_back(self, service):
        with events.session() as session:
            with FAILS, service.atomic():
                publish(1)
                assert [event.data["id"] for event in session.events] == [1]
                roll_back()
            assert list(session.events) == []


class TestFlushesInsideATransaction:
    """It has no say over what was published before it began."""

    def test_its_rollback_takes_nothing_back(self, service):
        with events.session():
            publish(1)
            with FAILS, service.atomic():
                events.flush()
                roll_back()
        assert service.arrived() == [1]

    def test_the_rollback_of_a_savepoint_takes_nothing_back(self, service):
        with events.session():
            publish(1)
            with service.atomic(), FAILS, service.atomic():
                events.flush()
                roll_back()
        assert service.arrived() == [1]

    def test_a_rollback_that_is_due_already_takes_nothing_back(self, service):
        with events.session():
            publish(1)
            with service.atomic():
                transaction.set_rollback(True, using=service.alias)
                events.flush()
        assert service.arrived() == [1]

    def test_each_event_is_confirmed_once(self, service):
        with capture_events(network=None) as captured, events.session():
            publish(1)
            with FAILS, service.atomic():
                events.flush()
                roll_back()
        assert [event.data["id"] for event in captured.confirmed] == [1]

    def test_observers_are_told_once_of_what_is_flushed_again(self, service, confirmed):
        with events.session():
            publish(1)
            for _ in range(2):
                with FAILS, service.atomic():
                    events.flush()
                    roll_back()
        assert confirmed == [1]

    def test_a_session_made_by_hand_stores_it_again_at_its_next_flush(self, service, caplog):
        """On SQLite, where the rows were a part of the transaction. Until then there is a warning."""
        session = service.client.service_session()
        session.created_policy({"id": 1})
        with FAILS, service.atomic():
            session.flush()
            roll_back()
        assert service.arrived() == [1] or "the next flush stores them again" in caplog.text
        session.flush()
        assert service.arrived() == [1]

    @pytest.mark.parametrize("flushed_by", ["another session", "the end of the client"])
    def test_what_a_session_made_by_hand_does_not_flush_again_is_stored_all_the_same(self, service, flushed_by):
        session = service.client.service_session()
        session.created_policy({"id": 1})
        with FAILS, service.atomic():
            session.flush()
            roll_back()
        if flushed_by == "another session":
            with events.session():
                publish(2)
        service.client.close()
        assert service.arrived() == ([1, 2] if flushed_by == "another session" else [1])
        assert list(session.events) == []

    def test_a_unit_of_work_that_has_ended_loses_nothing(self, service):
        """The event is of a thread that has no transaction, so the scope that ends inside one sends it."""
        with FAILS, service.atomic():
            with events.session():
                thread = threading.Thread(target=events.propagate(publish), args=(1,))
                thread.start()
                thread.join()
            roll_back()
        service.client.close()
        assert service.arrived() == [1]


class TestSavepoints:
    def test_a_rollback_by_hand_stays_one_though_its_savepoint_is_rolled_back(self, service):
        with events.session(), service.atomic():
            publish(1)
            with FAILS, service.atomic():
                assert events.rollback() == 1
                roll_back()
        assert service.arrived() == []

    def test_a_scope_that_failed_stays_so_though_a_low_level_savepoint_is_rolled_back(self, service):
        with service.atomic(), events.session():
            with events.session(), FAILS, events.session():
                publish(1)
                savepoint = savepoint_create(using=service.alias)
                roll_back()
            transaction.savepoint_rollback(savepoint, using=service.alias)
        assert service.arrived() == []

    def test_what_a_low_level_savepoint_takes_back_is_dropped(self, service, caplog):
        with events.session(), service.atomic():
            publish(1)
            savepoint = savepoint_create(using=service.alias)
            publish(2)
            inner = savepoint_create(using=service.alias)
            publish(3)
            transaction.savepoint_commit(inner, using=service.alias)
            transaction.savepoint_rollback(savepoint, using=service.alias)
            publish(4)
        assert service.arrived() == [1, 4]
        assert warnings(caplog) == [2]

    def test_a_savepoint_that_is_older_than_the_first_event_takes_all_back(self, service):
        with events.session(), service.atomic():
            savepoint = savepoint_create(using=service.alias)
            publish(1)
            with service.atomic():
                publish(2)
            transaction.savepoint_rollback(savepoint, using=service.alias)
        assert service.arrived() == []

    @pytest.mark.parametrize("statement", ["ROLLBACK TO SAVEPOINT a", 'rollback transaction to "a" ;'])
    def test_statements_for_savepoints_are_followed(self, service, statement):
        with events.session(), service.atomic():
            publish(1)
            service.execute("SAVEPOINT a")
            publish(2)
            service.execute(statement)
            service.execute("RELEASE a")
            publish(3)
        assert service.arrived() == [1, 3]

    def test_a_block_without_a_savepoint_that_fails_takes_the_block_around_it_along(self, service, caplog):
        with events.session(), service.atomic():
            publish(1)
            with service.atomic():
                publish(2)
                with FAILS, service.atomic(savepoint=False):
                    publish(3)
                    roll_back()
                publish(4)
        assert service.arrived() == [1]
        assert warnings(caplog) == [3]

    def test_an_execute_wrapper_of_the_application_s_stays_its_own(self, service):
        """Django takes the last one off its list, whichever that is."""
        seen = []

        def wrapper(execute, sql, params, many, context):
            seen.append(sql)
            return execute(sql, params, many, context)

        with events.session(), service.atomic():
            with connections[service.alias].execute_wrapper(wrapper):
                publish(1)
                service.execute("SELECT 1")
            seen.clear()
            service.execute("SELECT 2")
            assert seen == []
        assert connections[service.alias].execute_wrappers == []
        assert service.arrived() == [1]


class TestEndsOfATransaction:
    def test_set_rollback_drops(self, service, caplog):
        with events.session(), service.atomic():
            publish(1)
            transaction.set_rollback(True, using=service.alias)
            publish(2)
        assert service.arrived() == []
        assert warnings(caplog) == [2]

    def test_a_rollback_that_is_called_off_drops_nothing(self, service):
        with events.session(), service.atomic():
            publish(1)
            transaction.set_rollback(True, using=service.alias)
            publish(2)
            transaction.set_rollback(False, using=service.alias)
        assert service.arrived() == [1, 2]

    def test_a_rollback_by_hand_while_one_was_due_that_is_called_off_stays_one(self, service):
        with events.session(), service.atomic():
            publish(1)
            transaction.set_rollback(True, using=service.alias)
            events.rollback()
            transaction.set_rollback(False, using=service.alias)
        assert service.arrived() == []

    def test_a_connection_that_is_closed_drops(self, service, caplog):
        with events.session(), service.atomic():
            publish(1)
            connections[service.alias].close()
        assert service.arrived() == []
        assert warnings(caplog) == [1]

    def test_a_callback_that_publishes_does_so_after_the_commit(self, service):
        with events.session(), service.atomic():
            publish(1)
            transaction.on_commit(lambda: publish(2), using=service.alias)
        assert service.arrived() == [1, 2]

    def test_a_callback_that_raises_drops_nothing(self, service):
        with events.session():
            with FAILS, service.atomic():
                transaction.on_commit(roll_back, using=service.alias)
                with service.atomic():
                    publish(1)
            publish(2)
        assert service.arrived() == [1, 2]

    def test_a_signal_that_publishes_is_in_the_transaction_of_its_row(self, service):
        def publish_it(instance, **_):
            publish(instance.holder)

        post_save.connect(publish_it, sender=Policy)
        try:
            with events.session():
                for fails in (True, False):
                    with FAILS, service.atomic():
                        Policy.objects.using(service.alias).create(holder=f"fails: {fails}")
                        _ = fails and roll_back()
        finally:
            post_save.disconnect(publish_it, sender=Policy)
        assert service.arrived() == ["fails: False"]


class TestSeveralDatabases:
    """An event is sent if all transactions commit that were open where it was published."""

    def test_the_rollback_of_another_one_drops_with_a_warning(self, service, caplog):
        with events.session(), FAILS, service.atomic(OTHER):
            publish(1)
            roll_back()
        assert service.arrived() == []
        assert warnings(caplog) == [1]

    @pytest.mark.parametrize("is_inside", [True, False])
    @pytest.mark.parametrize("fails", ["first", "second", None])
    def test_both_decide_whichever_is_the_outer_one(self, service, is_inside, fails, caplog):
        first, second = (service.alias, OTHER) if is_inside else (OTHER, service.alias)
        with events.session():
            with FAILS, service.atomic(first):
                with FAILS, service.atomic(second):
                    publish(1)
                    _ = fails == "second" and roll_back()
                _ = fails == "first" and roll_back()
            publish(2)
        assert service.arrived() == ([2] if fails else [1, 2])
        assert warnings(caplog) == ([1] if fails else [])

    def test_a_scope_that_ended_leaves_its_event_to_another_database(self, service):
        with service.atomic(OTHER):
            with events.session():
                publish(1)
            assert service.arrived() == []
        assert service.arrived() == [1]

    def test_a_savepoint_that_was_open_when_the_other_database_committed_takes_nothing_along(self, service):
        other = service.atomic(OTHER)
        with events.session(), service.atomic():
            with other:
                publish(1)
                inner = service.atomic()
                inner.__enter__()
            inner.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
        assert service.arrived() == [1]


class TestAutocommitOff:
    """Django tells nobody of the end of such a transaction."""

    @pytest.fixture(autouse=True)
    def manual(self, service):
        connections[service.alias].ensure_connection()
        transaction.set_autocommit(False, using=service.alias)
        yield
        transaction.rollback(using=service.alias)
        transaction.set_autocommit(True, using=service.alias)

    def test_publishing_is_refused(self):
        with events.session(), pytest.raises(ConfigurationError, match="has autocommit off"):
            publish(1)

    def test_publishing_inside_atomic_is_refused(self, service):
        """It commits nothing there."""
        with events.session(), service.atomic(), pytest.raises(ConfigurationError, match="has autocommit off"):
            publish(1)
