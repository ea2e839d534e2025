"""Spans and metrics, as OpenTelemetry's SDK sees them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from opentelemetry.trace import SpanContext

from bc_events._delivery import telemetry

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seen():
    probe = [sys.executable, "-m", "tests.delivery.telemetry_probe"]
    run = subprocess.run(probe, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def flushes(seen):
    """The span of each flush, by job."""
    spans = [span for span in seen["spans"] if span["scope"] == "bc_events"]
    return {span["attributes"]["messaging.message.conversation_id"]: span for span in spans}


def measured(seen, name):
    return {
        tuple(sorted(point["attributes"].items())): point["value"] for point in seen["metrics"] if point["name"] == name
    }


def test_a_flush_is_one_producer_span_with_messaging_attributes(flushes):
    span = flushes["job-1"]
    assert (span["name"], span["kind"], span["status"]) == ("send events", "PRODUCER", "UNSET")
    attributes = {name: value for name, value in span["attributes"].items() if not name.startswith("server.")}
    assert attributes == {
        "messaging.system": "britecore",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "events",
        "messaging.batch.message_count": 4,
        "messaging.message.conversation_id": "job-1",
    }
    assert span["attributes"]["server.address"] == "127.0.0.1"
    assert span["attributes"]["server.port"] > 0


@pytest.mark.parametrize(
    ("api_url", "port"),
    [("https://api.example", 443), ("http://api.example/v1", 80), ("https://api.example:8443", 8443)],
)
def test_the_span_of_a_flush_names_the_port_of_the_api(client_of, api_url, port):
    session = client_of(None).service_session("job-1")
    attributes = telemetry._attributes([session.created_test({"id": 1})], api_url)
    assert (attributes["server.address"], attributes["server.port"]) == ("api.example", port)
    session.rollback()


def test_a_session_that_sends_nothing_has_no_span(flushes):
    assert set(flushes) == {"job-1", "job-3", "job-4"}


def test_the_span_links_once_to_each_span_in_which_events_were_published(seen, flushes):
    published_in = seen["published_in"]
    assert flushes["job-1"]["links"] == [published_in["first"], published_in["second"]]


@pytest.mark.parametrize(("spans", "links"), [(128, 128), (129, 128)])
def test_a_span_links_to_as_many_others_as_the_sdk_keeps(spans, links):
    published_in = [SpanContext(1, number, is_remote=False) for number in range(1, spans + 1)]
    found = telemetry._links([SimpleNamespace(trace=span) for span in published_in])
    assert [link.context for link in found] == published_in[:links]


def test_requests_carry_the_span_and_the_job(seen, flushes):
    traceparent, baggage = seen["received"][0]
    assert traceparent.split("-")[2] == f"{flushes['job-1']['span_id']:016x}"
    assert baggage == "bc-job-id=job-1"


def test_a_flush_that_fails_is_an_error_on_its_span(flushes):
    span = flushes["job-4"]
    assert span["status"] == "ERROR"
    assert span["attributes"]["error.type"] == "DeliveryError"
    assert span["events"] == ["exception"]


def test_every_event_is_counted_for_what_became_of_it(seen):
    topic = (("bc_events.topic", "testing.TestCreated"),)
    assert measured(seen, "bc_events.published") == {topic: 7}
    assert measured(seen, "bc_events.refused") == {topic: 1}
    assert measured(seen, "bc_events.rolled_back") == {topic: 1}
    assert measured(seen, "bc_events.delivered") == {(): 5}
    assert measured(seen, "bc_events.retried") == {(): 1}
    assert measured(seen, "bc_events.failed") == {(("bc_events.outcome", "unsent"),): 1}


def test_requests_and_flushes_are_measured(seen):
    sizes = [point for point in seen["metrics"] if point["name"] == "bc_events.batch.size"]
    assert [(point["count"], point["sum"]) for point in sizes] == [(4, 4 + 1 + 1 + 1)]
    flushes = [point for point in seen["metrics"] if point["name"] == "bc_events.flush.duration"]
    assert {tuple(point["attributes"].items()): point["count"] for point in flushes} == {
        (): 2,
        (("error.type", "DeliveryError"),): 1,
    }


def test_no_payload_value_is_in_a_span_or_metric(seen):
    assert "secret" not in json.dumps(seen["spans"]) + json.dumps(seen["metrics"])


def test_the_documentation_lists_just_these_instruments(seen):
    page = (ROOT / "docs/reference/telemetry.md").read_text()
    documented = dict(
        re.findall(r"^\| `(bc_events\.[a-z_.]+)` \| (?:counter|histogram), `(.+?)` \|", page, re.MULTILINE)
    )
    assert documented == {point["name"]: point["unit"] for point in seen["metrics"]}


def test_nothing_is_asked_of_opentelemetry_per_event_where_no_sdk_listens(monkeypatch):
    from bc_events import EventClient, events
    from bc_events._delivery import telemetry

    from .telemetry_probe import TOPICS

    monkeypatch.setattr(telemetry, "current_trace", lambda: pytest.fail("looked for a span"))
    with events.session(client=EventClient(None, "PolicyService", TOPICS)):
        events.created_test({"id": 1})
    assert not telemetry.is_active
