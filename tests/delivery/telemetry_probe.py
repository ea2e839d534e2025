"""The spans and metrics of a few sessions as OpenTelemetry's SDK sees them, as JSON.

A process can set providers once.
"""

import json
import socket

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bc_events import DeliveryError, EventClient, InvalidEventError, events
from bc_events.local import LocalEventsAPI

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [
        {"Action": "Created", "Entity": "Test", "Schema": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    ],
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def story(api, tracer) -> dict:
    client = EventClient(api.url, "PolicyService", TOPICS)
    spans = {}
    with events.session("job-1", client=client):
        for name in ("first", "second"):
            with tracer.start_as_current_span(name) as span:
                spans[name] = span.get_span_context().span_id
                events.created_test({"id": 1})
                events.created_test({"id": 2})
    try:
        with events.session("job-2", client=client):
            events.created_test({"id": 3})
            events.created_test({"id": "secret"})
    except InvalidEventError:
        pass
    api.faults(unavailable={"count": 1, "retry_after": 0})
    with events.session("job-3", client=client):
        events.created_test({"id": 4})
    unreachable = EventClient(f"http://127.0.0.1:{free_port()}", "PolicyService", TOPICS, retry_budget=0)
    try:
        with events.session("job-4", client=unreachable):
            events.created_test({"id": 5})
    except DeliveryError:
        pass
    return spans


def main() -> None:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    with LocalEventsAPI() as api:
        spans = story(api, trace.get_tracer("story"))
        received = [(event.traceparent, event.baggage) for event in api.events()]
    found = [
        {
            "name": span.name,
            "kind": span.kind.name,
            "status": span.status.status_code.name,
            "span_id": span.context.span_id,
            "attributes": dict(span.attributes),
            "links": [link.context.span_id for link in span.links],
            "events": [event.name for event in span.events],
            "scope": span.instrumentation_scope.name,
        }
        for span in exporter.get_finished_spans()
    ]
    measured = [
        {
            "name": metric.name,
            "unit": metric.unit,
            "value": getattr(point, "value", None),
            "sum": getattr(point, "sum", None),
            "count": getattr(point, "count", None),
            "attributes": dict(point.attributes),
        }
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    print(json.dumps({"published_in": spans, "received": received, "spans": found, "metrics": measured}))


if __name__ == "__main__":
    main()
