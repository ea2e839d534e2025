"""Responder: decides which events of a submission are stored, and the answer, faults included. It does no I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson
import uuid_utils

from bc_events._delivery.wire import RETRYABLE_TYPES, SUCCESS
from bc_events._runtime import job_ids
from bc_events.constants import JOB_ID_HEADER, JOB_ID_MAX_LENGTH, MAX_REQUEST_BYTES
from bc_events.errors import InvalidJobIdError

from .envelope import read_envelopes
from .received_event import ReceivedEvent
from .refusal import INVALID_JOB_ID, TOO_LARGE, VALIDATION, RefusedError
from .sent_answer import SentAnswer, reason_of, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalogue import Catalogue
    from .envelope import Envelope
    from .event_store import EventStore
    from .faults import Fault, Faults
    from .submission import Submission

THROTTLED: Final = "ProvisionedThroughputExceededException"
FAILED: Final = "InternalFailureException"
_USABLE: Final = f"1 to {JOB_ID_MAX_LENGTH} visible ASCII characters"


class Responder:
    """Answers one submission at a time."""

    def __init__(self, store: EventStore, catalogue: Catalogue, *, max_request_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._store = store
        self._catalogue = catalogue
        self.max_request_bytes = max_request_bytes

    def respond(self, submission: Submission, faults: Faults) -> SentAnswer:
        answer = _failed_at_once(faults) or self._answer(submission, faults)
        if answer.fault is None and faults.strikes("lost_answer") is not None:
            return replace(answer, fault="lost_answer", is_lost=True)
        return answer

    def _answer(self, submission: Submission, faults: Faults) -> SentAnswer:
        if len(submission.body) > self.max_request_bytes:
            return _too_large(f"a request has {self.max_request_bytes} bytes at most")
        known = self._store.answer(submission.key) if submission.key else None
        if known is not None:
            return SentAnswer(*known, is_replay=True)
        try:
            _refuse_encoding(submission)
            job_id = _job_id(submission)
            envelopes = read_envelopes(submission.body, is_bulk=submission.is_bulk)
        except RefusedError as error:
            return SentAnswer.refusal(400, error)
        answer = _struck_as_too_large(envelopes, faults) or self._stored(submission, job_id, envelopes, faults)
        return answer.of(envelopes)

    def _stored(self, submission: Submission, job_id: str, envelopes: Sequence[Envelope], faults: Faults) -> SentAnswer:
        if submission.is_bulk:
            return self._bulk(submission, job_id, envelopes, faults)
        try:
            self._catalogue.check(envelopes[0])
        except RefusedError as error:
            self._store.add([_refused(envelopes[0], submission, job_id, error)])
            return SentAnswer.refusal(400, error)
        event = _received(envelopes[0], submission, job_id)
        body = orjson.dumps({"eventId": event.event_id, "jobId": job_id})
        self._store.add([event], (201, body), submission.key)
        return SentAnswer(201, body, stored=(event,))

    def _bulk(self, submission: Submission, job_id: str, envelopes: Sequence[Envelope], faults: Faults) -> SentAnswer:
        results: list[str] = []
        kept: list[ReceivedEvent] = []
        refused: list[tuple[int, RefusedError]] = []
        for number, envelope in enumerate(envelopes, 1):
            try:
                self._catalogue.check(envelope)
            except RefusedError as error:
                refused.append((number, error))
                results.append(error.error_type)
                kept.append(_refused(envelope, submission, job_id, error))
                continue
            result, is_kept = _result(faults)
            results.append(result)
            if is_kept:
                kept.append(_received(envelope, submission, job_id))
        body = orjson.dumps({"failedRecords": sum(one != SUCCESS for one in results), "records": results})
        self._store.add(kept, (201, body), submission.key)
        fault = "partial_failure" if RETRYABLE_TYPES.intersection(results) else None
        return SentAnswer(
            *(201, body),
            refused_records=len(refused),
            reason=reason_of(refused),
            fault=fault,
            stored=tuple(kept),
        )


def _refuse_encoding(submission: Submission) -> None:
    """Raises `RefusedError`."""
    encoding = submission.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise RefusedError(VALIDATION, f"the body has the Content-Encoding {encoding}; send it without one")


def _job_id(submission: Submission) -> str:
    """Raises `RefusedError`."""
    given = submission.job_id
    if given is None:
        raise RefusedError(INVALID_JOB_ID, f"the header {JOB_ID_HEADER} is missing; send it with {_USABLE}")
    try:
        return job_ids.validated(given)
    except InvalidJobIdError as error:
        is_short_enough = 0 < len(given) <= JOB_ID_MAX_LENGTH
        fault = "has a character that is not visible ASCII" if is_short_enough else f"has {len(given)} characters"
        raise RefusedError(INVALID_JOB_ID, f"the header {JOB_ID_HEADER} {fault}; send {_USABLE}") from error


def _result(faults: Faults) -> tuple[str, bool]:
    """The result of a valid record, and whether it is stored: a fault may decide otherwise."""
    if faults.strikes("partial_failure") is None:
        return SUCCESS, True
    error_type = THROTTLED if faults.flip("partial_failure") else FAILED
    return error_type, faults.flip("partial_failure")


def _failed_at_once(faults: Faults) -> SentAnswer | None:
    """The answer to a request that meets a fault before it is read."""
    fault = faults.strikes("unavailable")
    if fault is not None:
        body = orjson.dumps({"message": "Service Unavailable"})
        pause, status = int(fault.get("retry_after", 1)), int(fault.get("status", 503))
        return SentAnswer(status, body, retry_after=pause, fault="unavailable")
    for kind, error_type in (("throttle", THROTTLED), ("internal_failure", FAILED)):
        fault = faults.strikes(kind)
        if fault is not None:
            injected = RefusedError(error_type, "injected")
            return replace(SentAnswer.refusal(int(fault.get("status", 500)), injected), fault=kind, reason=None)
    return None


_NO_FAULT: Final[Fault] = {}


def _struck_as_too_large(envelopes: Sequence[Envelope], faults: Faults) -> SentAnswer | None:
    least = faults.plan.get("too_large", _NO_FAULT).get("records", 1)
    if len(envelopes) < least or faults.strikes("too_large") is None:
        return None
    return replace(_too_large("injected"), fault="too_large", reason=None)


def _too_large(reason: str) -> SentAnswer:
    return SentAnswer.refusal(413, RefusedError(TOO_LARGE, reason))


def _refused(envelope: Envelope, submission: Submission, job_id: str, error: RefusedError) -> ReceivedEvent:
    return replace(_received(envelope, submission, job_id), status="refused", reason=shown(error))


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
