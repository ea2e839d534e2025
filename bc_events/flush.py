"""Flush: one delivery of some events, repeated where the contract allows, with every record accounted for."""

from __future__ import annotations

import time
from collections import deque
from itertools import compress
from typing import TYPE_CHECKING, Final, Literal

from . import telemetry
from .errors import DeliveryError, Undelivered
from .wire import RETRYABLE_TYPES, SUCCESS, Answer, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenacity import RetryCallState

    from .api import EventsAPI
    from .event import Event

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
_SHORTEST_TIMEOUT: Final = 0.05


class Flush:
    """First attempts are free; repeats and the waits before them share `retry_budget` seconds.

    A request that uses the budget up ends the flush: the rest is named undelivered, unsent.
    """

    def __init__(self, api: EventsAPI, requests: Iterable[Request[Event]], retry_budget: float) -> None:
        self._api = api
        self._queue = deque(requests)
        self._left = retry_budget
        self._answer = Answer(Verdict.FINAL, "the client is closed")
        self._undelivered: list[Undelivered] = []
        self._failed: list[Request[Event]] = []
        self._sent = 0

    def run(self) -> None:
        """Raises `DeliveryError` naming each event that is not known to have arrived."""
        if self._api.is_closed:
            self._leave_unsent(self._answer.reason)
        while self._queue:
            unsettled = self._settle(self._queue.popleft())
            if unsettled is not None:
                self._fail(unsettled, "unknown", self._answer.reason)
                self._leave_unsent(f"an earlier request used up the retry budget: {self._answer.reason}")
        telemetry.settled(self._sent, self._undelivered)
        if self._undelivered:
            raise DeliveryError(self._undelivered, self._failed, self._sent) from self._answer.cause

    def _settle(self, request: Request[Event]) -> Request[Event] | None:
        """Sends a request until each record has its result; returns what of it the budget did not suffice for."""
        from tenacity import Retrying, retry_if_result, wait_random_exponential  # noqa: PLC0415  as requests: lazily

        unsettled: Request[Event] | None = request
        patience: float | None = None
        jitter = wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT)

        def attempt() -> Request[Event] | None:
            nonlocal unsettled, patience
            if unsettled is None:
                return None
            started = time.monotonic()
            telemetry.attempted(len(unsettled.events), is_repeat=patience is not None)
            self._answer = self._api.post(unsettled, patience)
            if patience is not None:
                self._left -= time.monotonic() - started
            unsettled = self._account(unsettled, self._answer)
            return unsettled

        def wait(state: RetryCallState) -> float:
            return max(self._answer.pause or 0.0, jitter(state))

        def sleep(seconds: float) -> None:
            nonlocal patience
            time.sleep(seconds)
            self._left -= seconds
            patience = max(self._left, _SHORTEST_TIMEOUT)

        return Retrying(
            retry=retry_if_result(lambda left: left is not None),
            wait=wait,
            stop=lambda state: state.upcoming_sleep >= self._left,
            sleep=sleep,
            retry_error_callback=lambda _: unsettled,
        )(attempt)

    def _account(self, request: Request[Event], answer: Answer) -> Request[Event] | None:
        """Notes what an answer settles; returns the request to send again, if any."""
        if answer.verdict is Verdict.AGAIN:
            return request
        if answer.verdict is Verdict.SETTLED:
            return self._account_records(request, answer)
        if answer.verdict is Verdict.SPLIT and len(request.events) > 1:
            self._queue.extendleft(reversed(request.halves()))
        else:
            self._fail(request, "refused", answer.reason)
        return None

    def _account_records(self, request: Request[Event], answer: Answer) -> Request[Event] | None:
        again = [result in RETRYABLE_TYPES for result in answer.results]
        final = [result != SUCCESS and result not in RETRYABLE_TYPES for result in answer.results]
        self._sent += answer.results.count(SUCCESS)
        if any(final):
            self._failed.append(Request.of(list(compress(request.events, final))))
            for event, result in compress(zip(request.events, answer.results, strict=True), final):
                self._undelivered.append(Undelivered(event, result, "refused"))
        if not any(again):
            return None
        names = sorted({result for result in answer.results if result in RETRYABLE_TYPES})
        self._answer = Answer(Verdict.AGAIN, " and ".join(names), status=answer.status)
        return Request.of(list(compress(request.events, again)))

    def _fail(self, request: Request[Event], outcome: Literal["refused", "unknown", "unsent"], reason: str) -> None:
        self._failed.append(request)
        self._undelivered.extend(Undelivered(event, reason, outcome) for event in request.events)

    def _leave_unsent(self, reason: str) -> None:
        while self._queue:
            self._fail(self._queue.popleft(), "unsent", reason)
