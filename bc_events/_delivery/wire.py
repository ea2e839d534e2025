"""The Events API's wire contract, without any I/O: events to requests, answers to what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from . import answer_text
from .request import Limits, Request, S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bc_events.event import Event, LastRequest

SUCCESS: Final = "Success"
RETRYABLE_TYPES: Final = frozenset({"ProvisionedThroughputExceededException", "InternalFailureException"})
_RETRYABLE_STATUS: Final = frozenset({407, 408, 425, 429, 502, 503, 504})
_MAY_NAME_ERROR: Final = frozenset({400, 500})
_TOO_LARGE: Final = 413
_RESPONSE_BYTES: Final = 1 << 20
_RECORD_BYTES: Final = 200
_LONGEST_PAUSE: Final = 86_400.0


def requests_for(events: Sequence[S], limits: Limits) -> Iterator[Request[S]]:
    """As few requests as the contract allows, in order: one job each, cut by count and by bytes."""
    batch: list[S] = []
    envelopes: list[bytes] = []
    size = 0
    for event in events:
        envelope = event.envelope
        length = len(envelope) + 1
        is_full = len(batch) == limits.events or size + length + 1 > limits.bytes
        if batch and (is_full or batch[0].job_id != event.job_id):
            yield Request.joined(batch, envelopes)
            batch, envelopes, size = [], [], 0
        batch.append(event)
        envelopes.append(envelope)
        size += length
    if batch:
        yield Request.joined(batch, envelopes)


def in_last_requests(events: Sequence[Event], limits: Limits) -> tuple[list[Request[Event]], list[Event]]:
    """Rebuilds the requests that an earlier flush could not deliver, with their keys. Returns the other events too."""
    last_requests: dict[LastRequest | None, list[Event]] = {None: []}
    for event in events:
        last_requests.setdefault(event.last_request, []).append(event)
    others = last_requests.pop(None)
    requests: list[Request[Event]] = []
    for last_request, group in last_requests.items():
        if last_request is not None and len(group) == last_request.size <= limits.events:
            requests.append(Request.of(group, last_request.key))
        else:
            others += group  # only a part of the request is left, and its key stands for the whole body
    return requests, others


class Verdict(Enum):
    """The meaning of an answer for its request as a whole."""

    SETTLED = "every record has its result"
    AGAIN = "the outcome is unknown or temporary: send the same bytes with the same key"
    SPLIT = "too large: send it in halves"
    FINAL = "refused, and always will be"


@dataclass(frozen=True, slots=True)
class Answer:
    """The API's answer. `results` has one entry per record where the verdict is SETTLED.

    `pause` is the Retry-After in seconds, `reason` what was wrong in words fit for a log. `status` is None without a
    response, and `is_readable` is False if its body is not as the contract promises. `terse` is the reason without the
    API's own words, where it has any. `event_id` is what the API calls the event of a request with one.
    """

    verdict: Verdict
    reason: str = ""
    results: tuple[str, ...] = ()
    pause: float | None = None
    status: int | None = None
    cause: Exception | None = None
    is_readable: bool = True
    terse: str | None = None
    event_id: str | None = None


def read_answer(
    request: Request[Any], status: int, headers: Mapping[str, str], body: bytes, *, address: str = ""
) -> Answer:
    """Reads the status, headers and body of a response, by the contract's table of failures.

    `address` is the request's method and URL. The reason names it unless the API itself has answered.
    """
    if 200 <= status < 300:  # noqa: PLR2004
        return _success(request, status, body, address)
    error_type = _error_type(body)
    is_final = _is_final(status, error_type)
    reason = answer_text.of_failure(status, error_type, body, address, is_final=is_final)
    terse = answer_text.without_message(reason, body)
    pause = _retry_after(headers.get("Retry-After"))
    if status == _TOO_LARGE:
        return Answer(Verdict.SPLIT, reason, status=status, terse=terse)
    if is_final:
        return Answer(Verdict.FINAL, reason, status=status, terse=terse)
    return Answer(Verdict.AGAIN, reason, pause=pause, status=status, terse=terse)


def _is_final(status: int, error_type: str) -> bool:
    """Whether the API said no for good. Any other response leaves the outcome unknown."""
    if status in _MAY_NAME_ERROR and error_type:
        return error_type not in RETRYABLE_TYPES
    return 300 <= status < 500 and status not in _RETRYABLE_STATUS  # noqa: PLR2004


def longest_response(request: Request[Any]) -> int:
    """The most bytes that are read of a response. The contract promises no longer one."""
    return _RESPONSE_BYTES + _RECORD_BYTES * len(request.events)


def taken(request: Request[S], answer: Answer) -> list[S]:
    """The events of a request that an answer says have arrived."""
    return [event for event, result in zip(request.events, answer.results, strict=False) if result == SUCCESS]


def _success(request: Request[Any], status: int, body: bytes, address: str) -> Answer:
    is_single = len(request.events) == 1
    results = _single(body) if is_single else _records(body, len(request.events))
    if results is None:
        reason = answer_text.of_unpromised(status, body, len(request.events), address)
        return Answer(Verdict.AGAIN, reason, status=status, is_readable=False)
    event_id = answer_text.word(answer_text.parsed(body)["eventId"]) if is_single else None
    return Answer(Verdict.SETTLED, results=results, status=status, event_id=event_id or None)


def _single(body: bytes) -> tuple[str, ...] | None:
    answer = answer_text.parsed(body)
    is_promised = isinstance(answer.get("eventId"), str) and isinstance(answer.get("jobId"), str)
    return (SUCCESS,) if is_promised else None


def _records(body: bytes, count: int) -> tuple[str, ...] | None:
    answer = answer_text.parsed(body)
    records = answer.get("records")
    if not isinstance(records, list) or len(records) != count or not all(isinstance(one, str) for one in records):
        return None
    failed = answer.get("failedRecords")
    if not isinstance(failed, int) or isinstance(failed, bool) or failed != sum(one != SUCCESS for one in records):
        return None
    return tuple(answer_text.word(one) or "an error without a name" for one in records)


def _error_type(body: bytes) -> str:
    found = answer_text.parsed(body).get("errorType")
    return answer_text.word(found) if isinstance(found, str) else ""


def _retry_after(value: str | None) -> float | None:
    """Seconds from now, of either form of the header (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    seconds = value.strip(" \t")
    if seconds.isascii() and seconds.isdecimal():
        return min(float(seconds), _LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_PAUSE)
