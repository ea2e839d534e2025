"""Tests of a service: `TestCase` never commits, so `on_commit` runs only where it is captured."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import TestCase

from bc_events import EventClient, events
from bc_events.integrations.django.testing import CommittingClient
from bc_events.outbox.django import DjangoOutbox
from bc_events.testing import CapturesEvents

from .policies.models import Policy
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
        with events.override(EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=self.outbox)):
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


class InATestCaseWithAnOutbox(InATestCase):
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
