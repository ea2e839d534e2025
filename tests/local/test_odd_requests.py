"""Requests that no well-behaved client sends: each is answered, none with a 5xx, and the page stays up."""

import asyncio
import http.client
import json
import logging
import threading
from contextlib import closing, contextmanager

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings, strategies as st
from starlette.requests import Request

from bc_events.local import LocalEventsAPI
from bc_events.local.body import SlowBodyError, read_body
from tests.local.wire import ask, envelope, post

TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [
        {
            "Action": "Created",
            "Entity": "Policy",
            "Description": "d",
            "Schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "minProperties": 1},
        }
    ],
}
PATHS = [
    "/",
    "/page.css",
    "/readyz",
    "/events",
    "/events/bulk/",
    "/api/events",
    "/api/events.jsonl",
    "/api/events/wait",
    "/api/reports",
    "/api/unsent",
]
PATHS += ["/api/requests", "/api/faults", "/nowhere", "/api/events/", "/%00%ff"]
PATHS += ["/openapi.json"]
PATHS += ["/api/replay", "/api/forwarding"]
PATHS += ["/api/facets", "/api/histogram", "/api/topics", "/api/events/{event_id}", "/api/jobs/{job_id:path}"]
STREAMS = ["/api/events/stream"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
DEEP = 995


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth


def body_of(data):
    return json.dumps(envelope(data="DATA")).replace('"DATA"', data)


@pytest.fixture(autouse=True)
def quiet(caplog):
    """A traceback that the server's thread formats can break that of a failing test (cpython#106905)."""
    caplog.set_level(logging.CRITICAL + 1, "uvicorn.error")


@pytest.fixture(scope="module")
def checking():
    """A server that checks data against a topic."""
    with LocalEventsAPI(topics=TOPICS) as api:
        yield api


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/events", body_of(nested(DEEP))),
        ("POST", "/events", body_of(nested(255))),
        ("POST", "/events", json.dumps(envelope(actor="DATA")).replace('"DATA"', nested(300))),
        ("POST", "/events/bulk/", "[" * 300 + "]" * 300),
        ("POST", "/events/bulk/", f"[{body_of(nested(300))}]"),
        ("POST", "/events", body_of('{"id": "text", "small": 1e-99999999999999999999}')),
        ("POST", "/events", body_of(f'{{"id": {"9" * 5000}}}')),
        ("PUT", "/api/faults", '{"faults":' * 300 + "{}" + "}" * 300),
        ("PUT", "/api/faults", '{"faults": {"unavailable": {"retry_after": 1e300}}}'),
        ("PUT", "/api/faults", '{"faults": {}, "padding": "' + "x" * 200_000 + '"}'),
    ],
)
def test_a_body_that_is_too_much_is_refused(checking, method, path, body):
    """A 5xx would have it sent again."""
    answer = ask(checking, method, path, data=body, headers={"x-britecore-job-id": "job-1"})
    assert answer.status_code == 400
    assert checking.events() == []
    assert ask(checking, "GET", "/").status_code == 200


@pytest.mark.parametrize("path", ["/api/events", "/api/events.jsonl", "/api/events/wait", "/"])
@pytest.mark.parametrize("q", ["a " * 1100, "topic:" + "*a" * 6000, "x" * 20_000], ids=["terms", "pattern", "length"])
def test_a_filter_that_is_too_much_is_refused(local_events_api, path, q):
    """SQLite would refuse it by an error that nobody expects."""
    assert ask(local_events_api, "GET", path, params={"q": q}).status_code == 400


@pytest.mark.parametrize("number", ["0" * 20 + "9" * 30, "9" * 5000, "4611686018427387905", "-1", "1e3", "٣", "nan"])
@pytest.mark.parametrize("name", ["after", "limit"])
def test_a_number_that_sqlite_cannot_count_to_is_refused(local_events_api, name, number):
    assert ask(local_events_api, "GET", "/api/events", params={name: number}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:[", "localhost:", "127.0.0.1:999999", "127.0.0.1@elsewhere", "[::1]"])
@pytest.mark.parametrize("path", ["/events", "/events/bulk", "/api/events/"])
def test_a_host_that_is_no_address_is_refused(local_events_api, host, path):
    """Code that would make a URL of the host never sees it."""
    assert post(local_events_api, envelope(), Host=host).status_code == 400
    assert ask(local_events_api, "POST", path, headers={"Host": host}).status_code == 400


def test_an_event_as_deep_as_events_may_be_is_taken_and_shown(local_events_api):
    """The library publishes data of this depth."""
    assert post(local_events_api, body_of(nested(254)).encode()).status_code == 201
    assert post(local_events_api, f"[{body_of(nested(254))}]".encode()).status_code == 201
    assert ask(local_events_api, "GET", "/").text.count("<details>") == 2
    assert ask(local_events_api, "GET", "/api/events").json()["matching"] == 2


def test_the_page_shows_the_beginning_of_an_event_that_is_too_long_for_it(local_events_api):
    """Two hundred events of ten megabytes would be a page that no browser opens."""
    post(local_events_api, envelope(data={"long": "x" * 1_000_000}))
    page = ask(local_events_api, "GET", "/")
    assert page.status_code == 200
    assert len(page.text) < 100_000
    assert "/api/events has it in full" in page.text


def test_a_wait_ends_when_its_client_leaves(local_events_api):
    """Its listener would stay with the store, and its task with the loop, for as long as the client once asked for."""
    listeners = local_events_api._open.store._listeners
    came, host = threading.Event(), local_events_api.url.removeprefix("http://")
    for _ in range(3):
        with closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", "/api/events/wait?count=9&timeout=600")
            while not listeners:
                came.wait(0.01)
        for _ in range(500):
            if not listeners:
                break
            came.wait(0.01)
        assert not listeners


def test_a_body_that_does_not_come_is_not_waited_for():
    """The client sends its headers and then nothing."""

    async def receive():
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "POST", "path": "/events", "headers": [], "query_string": b""}
    with pytest.raises(SlowBodyError):
        asyncio.run(read_body(Request(scope, receive), most=10, seconds=0.01))


TEXT = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
DOCUMENTS = st.recursive(
    SCALARS | st.just(envelope()) | st.just({"faults": {"latency": {"ms": 0}}}),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "actor", "action", "faults", "seed", "throttle", "count", "retry_after"]), parts
        )
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=50) | DOCUMENTS.map(lambda found: json.dumps(found).encode())
PARAMETERS = st.dictionaries(
    st.sampled_from(["q", "after", "limit", "count", "timeout"]),
    st.sampled_from(["0", "0.01", "-1", "1e9", "nan", "9" * 30, "topic:a*", "'", "id:\ud7ff", "type:user x y"]) | TEXT,
)
HEADERS = st.dictionaries(
    st.sampled_from(["x-britecore-job-id", "Idempotency-Key", "traceparent", "baggage", "Origin", "Content-Type"]),
    TEXT.map(str.strip),
)


@contextmanager
def unless_reset():
    """Broken HTTP is answered and closed at once. If the rest arrives later, TCP takes the answer back."""
    try:
        yield
    except requests.RequestException as error:
        if "Connection reset by peer" not in str(error):
            raise


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from(PATHS),
    parameters=PARAMETERS,
    headers=HEADERS,
    body=BODIES,
)
@example(method="GET", path="/", parameters={"q": "\x7f'\""}, headers={}, body=b"")
def test_whatever_is_sent_is_no_fault_of_the_servers(checking, method, path, parameters, headers, body):
    """No answer is a 5xx but where the sender has asked for it, and the page shows whatever has been taken in."""
    checking.faults()
    parameters = {"timeout": "0.01", **parameters} if path.endswith("wait") else parameters
    if path.endswith("wait"):
        parameters["timeout"] = "0.01"
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    with unless_reset():
        answer = ask(checking, method, path, params=parameters, headers=encoded, data=body, allow_redirects=False)
        assert answer.status_code < 500, (answer.status_code, answer.text)
    assert ask(checking, "GET", "/").status_code == 200


def test_the_routes_that_are_tried_are_all_there_are(local_events_api):
    listed = ask(local_events_api, "GET", "/api/nowhere").json()["error"].partition("there are ")[2]
    assert {call.split()[-1] for call in listed.split(", ")} <= {*PATHS, *STREAMS}
