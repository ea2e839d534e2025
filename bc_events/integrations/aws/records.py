"""One session for each record that SQS, SNS or EventBridge hands to a Lambda function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Never

from bc_events._runtime import argument_checks as check, keywords, logs
from bc_events.errors import ConfigurationError
from bc_events.integrations._integration import Integration
from bc_events.propagation import BROKER, Border

from .function import check_callable_by_lambda, refuse_bare
from .message import PayloadCarrier, Reader, is_event_bridge
from .shape import mapping, sequence, text

if TYPE_CHECKING:
    from bc_events.client import EventClient
    from bc_events.integrations._on_delivery_error import OnDeliveryError

Record = Mapping[str, Any]
RecordHandler = Callable[[Any, Any], Any]
_SOURCES: Final = ("aws:sqs", "aws:sns")
_SHOWN: Final = 40
_logger = logs.logger


@keywords.checked
def each_record(
    *bare: Never,
    client: EventClient | None = None,
    border: Border = BROKER,
    payload: PayloadCarrier | None = None,
    sns_topics: Collection[str] | None = None,
    on_delivery_error: OnDeliveryError = "raise",
) -> Callable[[RecordHandler], RecordHandler]:
    """Makes a function of one record and the context into a Lambda handler of SQS, SNS or EventBridge events.

    Each record has a session of its own, flushed before the next begins. From SQS, a record that fails is reported by
    `batchItemFailures`, for which the function's event source mapping must have `ReportBatchItemFailures`; of a FIFO
    queue so are all records after it, to keep their order. If all records fail, the function raises.

    Args:
        client: by default the process's.
        border: the names of the message attributes; by default the actor is believed, as with any broker.
        payload: finds the part of a message that has these names, if they do not travel as attributes. It is given the
            message read as JSON: for example `lambda body: body["metadata"]`. By default only the `detail` of
            EventBridge is read, because its events have no attributes.
        sns_topics: ARNs of the topics whose envelopes are expected in the queue. By default envelopes of all topics are
            accepted, in messages without attributes of this library. An envelope chooses the job and the actor. So if
            strangers may write bodies, name the topics, or give `()` for a queue that no topic is subscribed to.
        on_delivery_error: "raise" fails the record, and AWS hands it over again. If its work must not be done twice,
            give "log" or a callable.
    """
    refuse_bare("each_record", bare)
    integration = Integration(client=client, border=border, on_delivery_error=on_delivery_error)
    if payload is not None:
        check.function("payload", payload, example="a function of the message's body that returns a mapping")
    reader = Reader(border=border, payload=payload, sns_topics=_checked(sns_topics))

    def decorate(function: RecordHandler) -> RecordHandler:
        check_callable_by_lambda(function)

        def handle_one(record: Record, context: Any) -> Any:
            with integration.session(integration.extract(reader.carrier_of(record))):
                return function(record, context)

        @wraps(function)
        def handler(event: object, context: Any) -> Any:
            return _handle(event, context, handle_one)

        return handler

    return decorate


def _checked(sns_topics: Collection[str] | None) -> Collection[str] | None:
    if sns_topics is None:
        return None
    if not isinstance(sns_topics, Collection) or isinstance(sns_topics, bytes | Mapping):
        raise check.wrong("sns_topics", sns_topics, "a list of topic ARNs")
    if isinstance(sns_topics, str):
        raise ConfigurationError(f"sns_topics is {sns_topics!r}; give a list of topic ARNs, such as [{sns_topics!r}]")
    return sns_topics


def _handle(event: object, context: Any, handle_one: RecordHandler) -> Any:
    if is_event_bridge(event):
        return handle_one(event, context)
    records = sequence(mapping(event).get("Records"))
    sources = {_source(record) for record in records if isinstance(record, Mapping)}
    if sources == {"aws:sqs"}:
        return _handle_batch(records, context, handle_one)
    if sources == {"aws:sns"}:
        for record in records:
            handle_one(record, context)
        return None
    found = ", ".join(sorted(sources)) or "no records"
    raise ConfigurationError(
        f"this Lambda event comes from {found}, and each_record takes those of SQS, SNS and EventBridge; "
        "for API Gateway and load balancers use request, for others events.session()"
    )


def _source(record: Record) -> str:
    found = text(record.get("eventSource")) or text(record.get("EventSource")) or "an unnamed source"
    return found if found in _SOURCES else ascii(found[:_SHOWN])


def _handle_batch(records: Sequence[Any], context: Any, handle_one: RecordHandler) -> dict[str, Any]:
    failures: list[tuple[str | None, Exception | None]] = []
    for record in records:
        message_id = text(mapping(record).get("messageId"))
        if failures and (text(mapping(record).get("eventSourceARN")) or "").endswith(".fifo"):
            failures.append((message_id, None))
            continue
        try:
            handle_one(record, context)
        except Exception as error:  # noqa: BLE001  reported below, by log or by raising it
            failures.append((message_id, error))
    errors = [error for _, error in failures if error is not None]
    if len(failures) == len(records) or any(message_id is None for message_id, _ in failures):
        raise errors[0] if len(errors) == 1 else ExceptionGroup("every message of the batch failed", errors)
    _report(failures)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id, _ in failures]}


def _report(failures: Sequence[tuple[str | None, Exception | None]]) -> None:
    for message_id, error in failures:
        if error is not None:
            _logger.error(
                "message %s failed and is left to SQS", message_id, exc_info=error, extra={"bc_message_id": message_id}
            )
