"""Direct delivery and DjangoOutbox: how transactions end, alone, in several databases, and without autocommit."""

import pytest
from django.db import connections, transaction
from django.db.models.signals import post_save

from bc_events import ConfigurationError, events

from .modes import FAILS, OTHER, publish, roll_back, warnings
from .policies.models import Policy


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
        """With autocommit off, `atomic` commits nothing."""
        with events.session(), service.atomic(), pytest.raises(ConfigurationError, match="has autocommit off"):
            publish(1)
