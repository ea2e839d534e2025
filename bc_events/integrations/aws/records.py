"""One session for each record that SQS, SNS or EventBridge hands to a Lambda function."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from bc_events.constants import LOGGER_NAME
from bc_events.errors import ConfigurationError
from bc_events.integrations.edge import Edge, OnDeliveryError
from bc_events.propagation import BROKER, Border, extract

from .function import check_callable_by_lambda
from .message import PayloadCarrier, carrier_of, is_event_bridge

if TYPE_CHECKING:
    from bc_events.client import EventClient

Record = Mapping[str, Any]
RecordHandler = Callable[[Any, Any], Any]
_logger = logging.getLogger(LOGGER_NAME)


def each_record(
    *,
    client: EventClient | None = None,
    border: Border = BROKER,
    payload: PayloadCarrier | None = None,
    on_delivery_error: OnDeliveryError = "raise",
) -> Callable[[RecordHandler], RecordHandler]:
    """Makes a function of one record and the context into a Lambda handler of SQS, SNS or EventBridge events.

    Each record has a session of its own, flushed before the next begins. From SQS, a record that fails is reported by
    `batchItemFailures`, for which the function's event source mapping must have `ReportBatchItemFailures`; of a FIFO
    queue so are all after it, to keep their order. Where all fail, so does the function.

    Args:
        client: by default the process's.
        border: the names of the message attributes; by default the actor is believed, as with any broker.
        payload: finds the same names where they do not travel as attributes, in the message read as JSON: for example
            `lambda body: body["metadata"]`. By default only EventBridge's `detail` is looked at, which has no others.
        on_delivery_error: "raise" fails the record, which AWS then hands over again; where that would repeat work that
            must not be, "log", or a callable.
    """
    edge = Edge(client=client, border=border, on_delivery_error=on_delivery_error)

    def decorate(function: RecordHandler) -> RecordHandler:
        check_callable_by_lambda(function)

        def handle_one(record: Record, context: Any) -> Any:
            with edge.session(extract(carrier_of(record, border, payload), border)):
                return function(record, context)

        @wraps(function)
        def handler(event: Mapping[str, Any], context: Any) -> Any:
            return _handle(event, context, handle_one)

        return handler

    return decorate


def _handle(event: Mapping[str, Any], context: Any, handle_one: RecordHandler) -> Any:
    if is_event_bridge(event):
        return handle_one(event, context)
    records = event.get("Records") or ()
    sources = {record.get("eventSource") or record.get("EventSource") for record in records}
    if sources == {"aws:sqs"}:
        return _handle_batch(records, context, handle_one)
    if sources == {"aws:sns"}:
        for record in records:
            handle_one(record, context)
        return None
    found = ", ".join(sorted(map(str, sources))) or "no records"
    raise ConfigurationError(
        f"this Lambda event comes from {found}, and each_record takes those of SQS, SNS and EventBridge; "
        "for API Gateway and load balancers use request, for others events.session()"
    )


def _handle_batch(records: Sequence[Record], context: Any, handle_one: RecordHandler) -> dict[str, Any]:
    failures: dict[str, Exception | None] = {}
    for record in records:
        if failures and record["eventSourceARN"].endswith(".fifo"):
            failures[record["messageId"]] = None
            continue
        try:
            handle_one(record, context)
        except Exception as error:  # noqa: BLE001  reported below, by log or by raising it
            failures[record["messageId"]] = error
    errors = [error for error in failures.values() if error is not None]
    if len(failures) == len(records):
        raise errors[0] if len(errors) == 1 else ExceptionGroup("every message of the batch failed", errors)
    _report(failures)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _report(failures: Mapping[str, Exception | None]) -> None:
    for message_id, error in failures.items():
        if error is not None:
            _logger.error("a message failed and is left to SQS", exc_info=error, extra={"bc_message_id": message_id})
