from django.db import transaction
from django.test import TestCase, TransactionTestCase

from bc_events import events
from bc_events.testing import CapturesEvents

from .models import Policy


@events.session()
def sell(number):
    with transaction.atomic():
        Policy.objects.create(number=number)
        events.created_policy({"id": number})


class InATestCase(CapturesEvents, TestCase):
    def test_an_event_is_recorded_and_not_confirmed(self):
        sell(1)
        self.captured_events.recorded.assert_published("created_policy", id=1)
        assert list(self.captured_events) == []

    def test_it_is_confirmed_where_on_commit_is_captured(self):
        with self.captureOnCommitCallbacks(execute=True):
            sell(1)
        self.captured_events.assert_published("created_policy", id=1)


class InATransactionTestCase(CapturesEvents, TransactionTestCase):
    def test_it_is_confirmed_because_this_one_commits(self):
        sell(1)
        self.captured_events.assert_published("created_policy", id=1)
