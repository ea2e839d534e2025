import unittest

import pytest

from bc_events import events
from bc_events.testing import CapturesEvents

pytestmark = pytest.mark.usefixtures("client")


class Plain(CapturesEvents, unittest.TestCase):
    def setUp(self):
        super().setUp()
        with events.session():
            events.created_policy({"id": "from setUp"})

    def test_events_are_captured(self):
        with events.session():
            events.created_policy({"id": "p1"})
        self.captured_events.assert_published("created_policy", id="p1")

    def test_each_test_begins_with_none_of_another(self):
        self.captured_events.assert_published("created_policy", id="from setUp")


class Asynchronous(CapturesEvents, unittest.IsolatedAsyncioTestCase):
    async def test_events_are_captured(self):
        async with events.session():
            events.created_policy({"id": "p1"})
        self.captured_events.assert_published("created_policy", id="p1")
