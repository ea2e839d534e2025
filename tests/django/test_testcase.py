"""Tests of a service: `TestCase` never commits, so `on_commit` runs only where it is captured."""

from __future__ import annotations

import unittest
from contextlib import suppress

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import TestCase

from bc_events import EventClient, events
from bc_events.integrations.django import follow_transactions
from bc_events.integrations.django.testing import CommittingClient
from bc_events.outbox.django import DjangoOutbox
from bc_events.testing import CapturesEvents

from .policies.models import Policy
from .savepoints import savepoint_create
from .settings import BC_EVENTS


def view(request):
    with transaction.atomic():
        Policy.objects.create(holder="ann")
        events.created_policy({"id": 1})
    with suppress(ZeroDivisionError), transaction.atomic():
        events.renewed_policy({"id": 1})
        raise ZeroDivisionError
    return HttpResponse()


class InATestCase(CapturesEvents, TestCase):
    outbox = None

    @pytest.fixture(autouse=True)
    def _served(self, serve):
        serve(view)
        client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=self.outbox)
        with events.override(follow_transactions(client)):
            yield

    def test_nothing_is_confirmed_where_on_commit_is_not_captured(self):
        self.client.get("/")
        assert list(self.captured_events) == []
        self.captured_events.recorded.assert_published("created_policy")

    def test_what_commits_is_confirmed_where_on_commit_is_captured(self):
        with self.captureOnCommitCallbacks(execute=True):
            self.client.get("/")
        self.captured_events.assert_published("created_policy", id=1)
        assert len(self.captured_events) == 1

    def test_a_savepoint_made_by_hand_is_followed(self):
        with self.captureOnCommitCallbacks(execute=True), events.session(), transaction.atomic():
            events.created_policy({"id": 1})
            savepoint = savepoint_create()
            events.created_policy({"id": 2})
            transaction.savepoint_rollback(savepoint)
        self.captured_events.assert_published("created_policy", id=1)
        self.captured_events.dropped.assert_published("created_policy", id=2)
        assert len(self.captured_events) == 1

    def test_what_a_callback_publishes_is_captured_too(self):
        def publish():
            with events.session(), transaction.atomic():
                events.renewed_policy({"id": 1})

        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            transaction.on_commit(publish)
        self.captured_events.assert_published("renewed_policy", id=1)

    def test_the_end_of_the_test_itself_is_no_rollback_that_is_warned_of(self):
        with events.session(), transaction.atomic():
            events.created_policy({"id": 1})
        with self.assertNoLogs("bc.events", "WARNING"):
            transaction.set_rollback(True)
            connections["default"].run_on_commit = []  # as Django does when it rolls back
        transaction.set_rollback(False)
        assert connections["default"].execute_wrappers == []


@pytest.mark.parametrize("outbox", [None, DjangoOutbox()])
def test_a_test_that_publishes_ends_in_silence(caplog, django_db_setup, django_db_blocker, outbox):
    """The savepoint that the TestCase has made for it is rolled back. What the test itself rolls back is warned of."""

    class Publishes(TestCase):
        def test(self):
            with events.session(), transaction.atomic():
                events.created_policy({"id": 1})

        def test_a_rollback(self):
            with events.session(), suppress(ZeroDivisionError), transaction.atomic():
                events.created_policy({"id": 1})
                raise ZeroDivisionError

    client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=outbox)
    with events.override(follow_transactions(client)), django_db_blocker.unblock():
        result = unittest.TestResult()
        unittest.TestSuite([Publishes("test"), Publishes("test_a_rollback")]).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
    assert [record.bc_dropped for record in caplog.records] == [1]


class InATestCaseWithAnOutbox(InATestCase):
    outbox = DjangoOutbox()


class InATestCaseOfTwoDatabases(CapturesEvents, TestCase):
    """The transactions that hold an event are those of the application: a test has one on each database."""

    databases = ("default", "other")
    outbox = None

    @pytest.fixture(autouse=True)
    def _client(self):
        client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=self.outbox)
        with events.override(follow_transactions(client)):
            yield

    def test_an_event_waits_for_its_own_one_alone(self):
        with self.captureOnCommitCallbacks(using="other", execute=True), events.session(), transaction.atomic("other"):
            events.created_policy({"id": 1})
        self.captured_events.assert_published("created_policy", id=1)


class InATestCaseOfTwoDatabasesWithAnOutbox(InATestCaseOfTwoDatabases):
    outbox = DjangoOutbox()


class WithACommittingClient(CapturesEvents, TestCase):
    client_class = CommittingClient

    @pytest.fixture(autouse=True)
    def _served(self, serve):
        serve(view)

    def test_a_request_commits_and_what_it_rolled_back_stays_rolled_back(self):
        self.client.get("/")
        self.captured_events.assert_published("created_policy", id=1)
        assert len(self.captured_events) == 1
