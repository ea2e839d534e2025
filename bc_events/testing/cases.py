"""CapturesEvents: captured events in test cases of unittest and Django."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .capture import capture_events

if TYPE_CHECKING:
    from unittest import TestCase as _Case

    from .captured import CapturedEvents
else:
    _Case = object


class CapturesEvents(_Case):
    """A base class. List it before the test case class; each test then has `self.captured_events`."""

    captured_events: CapturedEvents

    def setUp(self) -> None:
        self.captured_events = self.enterContext(capture_events())
        super().setUp()
