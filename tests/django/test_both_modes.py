"""Direct delivery and DjangoOutbox keep the same promises: each test runs with both, and with the outbox on SQLite and
PostgreSQL. Random programs of the same parts are in tests/transactions.
"""

import threading

import pytest
from django.db import connections, transaction

from bc_events import events
from bc_events._delivery import observers
from bc_events.testing import capture_events

from .modes import FAILS, publish, roll_back, warnings
from .savepoints import savepoint_create


class Confirmed:
    """An observer that counts each call. Captured events would show only the last stage of each event."""

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
    """The transaction does not decide about events that were published before it began."""

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
