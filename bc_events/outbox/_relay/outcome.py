"""RequestOutcome: what an answer means for the rows of its request."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from bc_events._delivery.wire import RETRYABLE_TYPES, SUCCESS, Verdict
from bc_events.outbox._store.store import Failure, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events._delivery.request import Request
    from bc_events._delivery.wire import Answer
    from bc_events.outbox._store.row import Row

_REFUSING: Final = frozenset({400, 413, 422, 500})


class RequestOutcome(Enum):
    SETTLED = "each record has its result"
    REFUSED = "the API will never accept something in this request"
    PAUSE = "the API is away, or asks for a pause"
    MISCONFIGURED = "the API refuses every request of this relay: its address, proxy or credentials are wrong"


def outcome_of(answer: Answer) -> RequestOutcome:
    """In doubt, the fault is not in the events: they are kept, and an error is logged."""
    if answer.verdict is Verdict.SETTLED:
        return RequestOutcome.SETTLED
    if answer.verdict is Verdict.AGAIN:
        return RequestOutcome.PAUSE
    return RequestOutcome.REFUSED if answer.status in _REFUSING else RequestOutcome.MISCONFIGURED


def reason_of(request: Request[Row], answer: Answer) -> str:
    """Why a request was not accepted, for the log and the table. The API may quote what it refuses.

    So its words are left out if the event is stored sealed.
    """
    is_sealed = any(row.is_sealed for row in request.events)
    return answer.terse if is_sealed and answer.terse is not None else answer.reason


def settlement_of(request: Request[Row], answer: Answer, delay_after: Callable[[int], float]) -> Settlement:
    """The result of each row of a settled request. `delay_after` gives the seconds to wait after so many attempts."""
    settlement = Settlement()
    for row, result in zip(request.events, answer.results, strict=True):
        if result == SUCCESS:
            settlement.delivered.append(row if answer.event_id is None else replace(row, api_event_id=answer.event_id))
        elif result in RETRYABLE_TYPES:
            settlement.failed.append(Failure(row, result, delay_after(row.attempts + 1)))
        else:
            settlement.failed.append(Failure(row, result))
    return settlement
