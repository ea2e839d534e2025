"""Without an outbox: the transaction decides which events of a request are sent."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError

from bc_events import DeliveryError, events
from bc_events.integrations.django import follow_transactions

from .policies.models import Policy

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "other"])


@pytest.fixture
def quiet(client):
    """A client that sees a 500 as browsers do."""
    client.raise_request_exception = False
    return client


@pytest.fixture(autouse=True)
def following(client_of_events):
    return follow_transactions(client_of_events)


def publish(number):
    events.created_policy({"id": number})


def roll_back():
    raise ZeroDivisionError


class TestRequests:
    """ATOMIC_REQUESTS, Django's own handler and middleware chain."""

    @pytest.mark.usefixtures("atomic_requests")
    def test_a_view_that_answers_400_commits_so_its_events_are_sent(self, client, serve, delivery):
        def view(request):
            Policy.objects.create(holder="ann")
            publish(1)
            return HttpResponse(status=400)

        serve(view)
        assert client.get("/").status_code == 400
        assert Policy.objects.count() == 1
        assert delivery.ids == [1]

    @pytest.mark.usefixtures("atomic_requests")
    def test_a_callback_of_the_application_s_that_raises_drops_no_event_of_what_has_committed(
        self, quiet, serve, delivery
    ):
        """As where a task is sent and the broker is away: Django calls no later callback."""

        def view(request):
            publish(1)
            transaction.on_commit(roll_back)
            publish(2)
            with suppress(ZeroDivisionError), transaction.atomic():
                publish(3)
                roll_back()
            publish(4)
            return HttpResponse()

        serve(view)
        assert quiet.get("/").status_code == 500
        assert delivery.ids == [1, 2, 4]

    @pytest.mark.usefixtures("atomic_requests")
    def test_a_view_that_sets_rollback_and_answers_200_sends_nothing(self, client, serve, delivery):
        def view(request):
            Policy.objects.create(holder="ann")
            publish(1)
            transaction.set_rollback(True)
            return HttpResponse()

        serve(view)
        assert client.get("/").status_code == 200
        assert Policy.objects.count() == 0
        assert delivery.ids == []

    @pytest.mark.usefixtures("atomic_requests")
    def test_a_validation_error_of_rest_framework_rolls_back_so_nothing_is_sent(self, client, serve, delivery):
        @api_view(["GET"])
        def view(request):
            Policy.objects.create(holder="ann")
            publish(1)
            raise ValidationError("wrong")

        serve(view)
        assert client.get("/").status_code == 400
        assert Policy.objects.count() == 0
        assert delivery.ids == []

    @pytest.mark.usefixtures("atomic_requests")
    def test_a_view_that_raises_sends_nothing(self, quiet, serve, delivery):
        def view(request):
            publish(1)
            roll_back()

        serve(view)
        assert quiet.get("/").status_code == 500
        assert delivery.ids == []

    def test_without_a_transaction_a_status_decides_nothing(self, quiet, serve, delivery):
        def view(request):
            publish(1)
            return HttpResponse(status=500)

        serve(view)
        quiet.get("/")
        assert delivery.ids == [1]

    def test_without_a_transaction_a_view_that_raises_sends_nothing(self, quiet, serve, delivery):
        def view(request):
            publish(1)
            roll_back()

        serve(view)
        assert quiet.get("/").status_code == 500
        assert delivery.ids == []

    def test_without_a_transaction_an_exception_that_rest_framework_handles_sends_nothing(
        self, client, serve, delivery
    ):
        @api_view(["GET"])
        def view(request):
            publish(1)
            raise ValidationError("wrong")

        serve(view)
        assert client.get("/").status_code == 400
        assert delivery.ids == []

    def test_what_has_committed_is_sent_though_the_view_raises_later(self, quiet, serve, delivery):
        def view(request):
            publish(1)
            with transaction.atomic():
                Policy.objects.create(holder="ann")
                publish(2)
            roll_back()

        serve(view)
        assert quiet.get("/").status_code == 500
        assert Policy.objects.count() == 1
        assert delivery.ids == [2]

    @pytest.mark.usefixtures("atomic_requests")
    def test_a_savepoint_that_rolls_back_takes_its_own_events_along(self, client, serve, delivery, caplog):
        def view(request):
            publish(1)
            with suppress(ZeroDivisionError), transaction.atomic():
                publish(2)
                roll_back()
            publish(3)
            return HttpResponse()

        serve(view)
        client.get("/")
        assert delivery.ids == [1, 3]
        [record] = caplog.records
        assert "rolled back" in record.getMessage()
        assert record.bc_dropped == 1

    @pytest.mark.usefixtures("atomic_requests")
    def test_all_events_of_a_request_leave_in_one_flush(self, client, serve, delivery):
        def view(request):
            for number in range(5):
                publish(number)
            return HttpResponse()

        serve(view)
        client.get("/")
        assert [len(call) for call in delivery.calls] == [5]

    @pytest.mark.usefixtures("atomic_requests")
    def test_an_inner_scope_that_failed_drops_its_events_though_the_transaction_commits(self, client, serve, delivery):
        def view(request):
            publish(1)
            with suppress(ZeroDivisionError), events.session():
                publish(2)
                roll_back()
            return HttpResponse()

        serve(view)
        client.get("/")
        assert delivery.ids == [1]


class TestScopes:
    """Sessions by hand, as management commands have them."""

    def test_a_scope_around_a_transaction_sends_at_its_end(self, delivery):
        with events.session():
            with transaction.atomic():
                publish(1)
            assert delivery.ids == []
        assert delivery.ids == [1]

    def test_a_scope_that_ends_inside_a_transaction_sends_when_that_commits_in_one_flush(self, delivery):
        with transaction.atomic():
            with events.session():
                publish(1)
                with transaction.atomic():
                    publish(2)
            assert delivery.calls == []
        assert delivery.ids == [1, 2]
        assert len(delivery.calls) == 1

    def test_a_scope_that_ends_inside_a_transaction_that_rolls_back_sends_nothing(self, delivery):
        with suppress(ZeroDivisionError), transaction.atomic():
            with events.session():
                publish(1)
            roll_back()
        assert delivery.calls == []

    def test_what_has_committed_is_sent_though_the_scope_fails(self, delivery):
        with suppress(ZeroDivisionError), events.session():
            publish(1)
            with transaction.atomic():
                publish(2)
            roll_back()
        assert delivery.ids == [2]

    def test_a_flush_by_hand_in_a_savepoint_loses_nothing_of_the_transaction_around_it(self, delivery):
        """The `on_commit` of the flush is dropped with the savepoint; the outer event's own is not."""
        with events.session(), transaction.atomic():
            publish(1)
            with suppress(ZeroDivisionError), transaction.atomic():
                publish(2)
                events.flush()
                roll_back()
        assert delivery.ids == [1]

    def test_a_rollback_by_hand_keeps_what_has_committed(self, delivery):
        with events.session():
            with transaction.atomic():
                publish(1)
            with transaction.atomic():
                publish(2)
                assert events.rollback() == 1
        assert delivery.ids == [1]

    def test_an_event_in_two_transactions_waits_for_both(self, delivery):
        with events.session():
            with transaction.atomic("other"):
                with transaction.atomic():
                    publish(1)
                events.flush()
                assert delivery.ids == []
            assert delivery.ids == [1]

    def test_an_event_in_two_transactions_of_which_one_rolls_back_is_not_sent(self, delivery):
        with events.session(), suppress(ZeroDivisionError), transaction.atomic("other"):
            with transaction.atomic():
                publish(1)
            roll_back()
        assert delivery.ids == []

    def test_an_event_of_another_thread_s_transaction_waits_for_it(self, delivery):
        is_published, may_commit = threading.Event(), threading.Event()

        def work():
            with transaction.atomic():
                publish(1)
                is_published.set()
                may_commit.wait(10)
            connections.close_all()

        with events.session():
            thread = threading.Thread(target=events.propagate(work))
            thread.start()
            assert is_published.wait(10)
        assert delivery.ids == []
        may_commit.set()
        thread.join()
        assert delivery.ids == [1]

    def test_an_undelivered_event_after_the_scope_is_logged_as_an_error(self, delivery, caplog):
        delivery.refuses = True
        with transaction.atomic(), events.session():
            publish(1)
        [record] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert record.name == "bc.events"
        [undelivered] = record.bc_undelivered
        assert undelivered.startswith("policies.PolicyCreated ")
        assert undelivered.endswith(" refused")

    def test_the_undelivered_events_of_each_job_are_logged_under_its_own_id(self, delivery, caplog):
        delivery.refuses = True
        with transaction.atomic():
            with events.session("job-1"):
                publish(1)
                publish(2)
            with events.session("job-2"):
                publish(3)
        errors = [record for record in caplog.records if record.levelname == "ERROR"]
        assert [(error.bc_job_id, len(error.bc_undelivered)) for error in errors] == [("job-1", 2), ("job-2", 1)]

    def test_a_session_that_sends_at_once_sends_when_the_transaction_commits(self, following, delivery):
        session = following.service_session()
        session.unit.sends_at_once, session.unit._room = True, -1
        with transaction.atomic():
            session.created_policy({"id": 1})
            assert delivery.ids == []
        assert delivery.ids == [1]


class TestDeliveryErrors:
    """The work is done, and its events did not arrive."""

    @pytest.fixture(autouse=True)
    def view(self, serve, delivery):
        def view(request):
            publish(1)
            return HttpResponse()

        serve(view)
        delivery.refuses = True

    def test_it_raises_by_default_so_the_client_sees_a_500(self, quiet):
        assert quiet.get("/").status_code == 500

    def test_it_may_be_logged(self, client, settings, caplog):
        settings.BC_EVENTS = {**settings.BC_EVENTS, "ON_DELIVERY_ERROR": "log"}
        assert client.get("/").status_code == 200
        assert "not delivered" in caplog.text

    def test_it_may_be_given_to_a_callable(self, client, settings):
        errors = []
        settings.BC_EVENTS = {**settings.BC_EVENTS, "ON_DELIVERY_ERROR": errors.append}
        assert client.get("/").status_code == 200
        assert isinstance(errors[0], DeliveryError)
