"""CapturesEvents: captured events in unittest's test cases, Django's among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .capture import capture_events

if TYPE_CHECKING:
    from unittest import TestCase as _Case

    from .captured import CapturedEvents
else:
    _Case = object


class CapturesEvents(_Case):
    """Put it before the test case class: each test then has `self.captured_events`, from its `setUp` on."""

    captured_events: CapturedEvents

    def setUp(self) -> None:
        self.captured_events = self.enterContext(capture_events())
        super().setUp()
