"""Intake: a POST as it came to what is stored and what is answered, faults included. No network here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson
import uuid_utils

from bc_events._delivery.wire import RETRYABLE_TYPES, SUCCESS
from bc_events._runtime import job_ids
from bc_events.constants import IDEMPOTENCY_HEADER, JOB_ID_HEADER, MAX_REQUEST_BYTES
from bc_events.errors import InvalidJobIdError

from .envelope import Envelope, read_envelopes
from .received import ReceivedEvent
from .refusal import INVALID_JOB_ID, TOO_LARGE, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .catalogue import Catalogue
    from .faults import Fault, Faults
    from .store import Store

THROTTLED: Final = "ProvisionedThroughputExceededException"
FAILED: Final = "InternalFailureException"


@dataclass(frozen=True, slots=True)
class Submission:
    """A POST as it came. `headers` has lower-case names."""

    body: bytes
    headers: Mapping[str, str]
    is_bulk: bool

    @property
    def key(self) -> str | None:
        return self.headers.get(IDEMPOTENCY_HEADER.lower())

    @property
    def job_id(self) -> str | None:
        return self.headers.get(JOB_ID_HEADER)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, and how it came about. `is_lost`: the connection is closed in its place."""

    status: int
    body: bytes
    retry_after: int | None = None
    records: int = 0
    fault: str | None = None
    is_replay: bool = False
    is_lost: bool = False


class Intake:
    """Takes requests one at a time."""

    def __init__(self, store: Store, catalogue: Catalogue, *, max_request_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._store = store
        self._catalogue = catalogue
        self.max_request_bytes = max_request_bytes

    def take(self, submission: Submission, faults: Faults) -> Answer:
        answer = _struck_down(faults) or self._answer(submission, faults)
        if answer.fault is None and faults.strikes("lost_answer"):
            return replace(answer, fault="lost_answer", is_lost=True)
        return answer

    def _answer(self, submission: Submission, faults: Faults) -> Answer:
        if len(submission.body) > self.max_request_bytes:
            return _refusal(413, TOO_LARGE, f"a request holds {self.max_request_bytes} bytes at most")
        known = self._store.answer(submission.key) if submission.key else None
        if known is not None:
            return Answer(*known, is_replay=True)
        try:
            job_id = job_ids.validated(submission.job_id)
        except InvalidJobIdError as error:
            return _refusal(400, INVALID_JOB_ID, f"{JOB_ID_HEADER}: {error}")
        try:
            envelopes = read_envelopes(submission.body, is_bulk=submission.is_bulk)
        except RefusedError as error:
            return _refusal(400, error.error_type, error.reason)
        answer = _too_large(envelopes, faults) or self._stored(submission, job_id, envelopes, faults)
        return replace(answer, records=len(envelopes))

    def _stored(self, submission: Submission, job_id: str, envelopes: Sequence[Envelope], faults: Faults) -> Answer:
        if submission.is_bulk:
            return self._bulk(submission, job_id, envelopes, faults)
        try:
            self._catalogue.check(envelopes[0])
        except RefusedError as error:
            return _refusal(400, error.error_type, error.reason)
        event = _received(envelopes[0], submission, job_id)
        body = orjson.dumps({"eventId": event.event_id, "jobId": job_id})
        self._store.add([event], (201, body), submission.key)
        return Answer(201, body)

    def _bulk(self, submission: Submission, job_id: str, envelopes: Sequence[Envelope], faults: Faults) -> Answer:
        results: list[str] = []
        kept: list[ReceivedEvent] = []
        for envelope in envelopes:
            result, is_kept = self._record(envelope, faults)
            results.append(result)
            if is_kept:
                kept.append(_received(envelope, submission, job_id))
        body = orjson.dumps({"failedRecords": sum(one != SUCCESS for one in results), "records": results})
        self._store.add(kept, (201, body), submission.key)
        is_struck = any(result in RETRYABLE_TYPES for result in results)
        return Answer(201, body, fault="partial_failure" if is_struck else None)

    def _record(self, envelope: Envelope, faults: Faults) -> tuple[str, bool]:
        """The result of one record, and whether it is stored."""
        try:
            self._catalogue.check(envelope)
        except RefusedError as error:
            return error.error_type, False
        if faults.strikes("partial_failure"):
            error_type = THROTTLED if faults.flip("partial_failure") else FAILED
            return error_type, faults.flip("partial_failure")
        return SUCCESS, True


def _struck_down(faults: Faults) -> Answer | None:
    """The answer to a request that a fault fells before anybody looks at it."""
    fault = faults.strikes("unavailable")
    if fault is not None:
        body = orjson.dumps({"message": "Service Unavailable"})
        return Answer(
            int(fault.get("status", 503)), body, retry_after=int(fault.get("retry_after", 1)), fault="unavailable"
        )
    for kind, error_type in (("throttle", THROTTLED), ("internal_failure", FAILED)):
        fault = faults.strikes(kind)
        if fault is not None:
            return replace(_refusal(int(fault.get("status", 500)), error_type, "injected"), fault=kind)
    return None


def _too_large(envelopes: Sequence[Envelope], faults: Faults) -> Answer | None:
    least = faults.plan.get("too_large", _NO_FAULT).get("records", 1)
    if len(envelopes) < least or not faults.strikes("too_large"):
        return None
    return replace(_refusal(413, TOO_LARGE, "injected"), fault="too_large")


_NO_FAULT: Final[Fault] = {}


def _refusal(status: int, error_type: str, reason: str) -> Answer:
    return Answer(status, orjson.dumps({"errorType": error_type, "errorMessage": reason}))


def _received(envelope: Envelope, submission: Submission, job_id: str) -> ReceivedEvent:
    return ReceivedEvent(
        seq=0,  # the store counts
        event_id=str(uuid_utils.uuid7()),
        received=datetime.now(UTC),
        job_id=job_id,
        topic=envelope.topic,
        category=envelope.category,
        entity=envelope.entity,
        action=envelope.action,
        actor=envelope.actor,
        raw=envelope.raw,
        idempotency_key=submission.key,
        traceparent=submission.headers.get("traceparent"),
        baggage=submission.headers.get("baggage"),
    )
