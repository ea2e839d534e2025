"""The metrics of a relay as OpenTelemetry's SDK sees them, as JSON. A process can set providers only once."""

import json
import sys

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay, named
from tests.outbox.service import QUICK, api_of, row


def main(name: str) -> None:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    store = named(name).store
    store.add([row(1, "two\nlines"), *(row(number) for number in range(2, 6))])
    with LocalEventsAPI() as api:
        api.faults(partial_failure={"count": 1}, seed=3)
        with Relay(store, api_of(api.url), settings=QUICK) as relay:
            while store.stats().pending:
                relay.drain(1)
    store.add([row(6)])
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    print(json.dumps([_described(metric) for metric in scope.metrics]))
    store.close()


def _described(metric) -> dict:
    kind = "counter" if hasattr(metric.data, "is_monotonic") else "gauge"
    point = metric.data.data_points[0]
    attributes = dict(point.attributes)
    return {"name": metric.name, "kind": kind, "unit": metric.unit, "value": point.value, "attributes": attributes}


if __name__ == "__main__":
    main(sys.argv[1])
