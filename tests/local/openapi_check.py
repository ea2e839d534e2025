"""The OpenAPI document is that of the server: schemathesis tries to find where it is not.

It needs the group `openapi`, whose packages want others than the newest, and so has a run of its own:
python -m pytest tests/local/openapi_check.py
"""

import json
import string

import pytest
import schemathesis
from hypothesis import HealthCheck, settings, strategies as st

from bc_events.local import LocalEventsAPI
from bc_events.local.openapi import openapi

from .wire import envelope

FILTERS = ["", "topic:a.*", "-job:b", "data.id:1", "since:5m", '"a b"', "status:*", "x"]
OWN = "http://own.example"
"""Stands for the server, which has no port yet when the cases are made."""
LETTERS = st.text(string.ascii_letters, min_size=1, max_size=8)


def line(event_id):
    fields = {"eventId": event_id, "received": "2026-11-28T09:00:00+00:00", "jobId": "job-1"}
    return json.dumps({**envelope(), **fields})


schemathesis.openapi.format("bc-events-filter", st.sampled_from(FILTERS))
schemathesis.openapi.format("bc-events-url", st.just(OWN))
schemathesis.openapi.format("bc-events-lines", st.lists(LETTERS.map(line), min_size=1, max_size=3).map("\n".join))
API = LocalEventsAPI()


@schemathesis.serializer("application/jsonl")
def lines(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module", autouse=True)
def serving():
    with API:
        yield


# A stream never ends.
schema = schemathesis.openapi.from_dict(openapi()).exclude(path="/api/events/stream")


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_server_is_as_its_document_says(case):
    case.headers.pop("Idempotency-Key", None)  # a key that is known gets the first response, whatever the body is
    if case.path.endswith("/wait"):
        in_no_time(case)
    if isinstance(case.body, dict) and case.body.get("url") == OWN:
        case.body["url"] = API.url
    for part in (case.query, case.body):
        # A text that is made to break the format may be a filter all the same: most texts are.
        if isinstance(part, dict) and isinstance(part.get("q"), str) and part["q"] not in FILTERS:
            part["q"] = "colour:red"
    try:
        case.call_and_validate(base_url=API.url)
    finally:
        API.faults()


def in_no_time(case):
    """Waits for nothing and for no time, unless the case is about wrong numbers."""
    for name, quick, most in (("count", 0, 2**62), ("timeout", 0.01, 600)):
        try:
            is_right = 0 <= float(case.query.get(name, quick)) <= most
        except (TypeError, ValueError):
            is_right = False
        if is_right:
            case.query[name] = quick
