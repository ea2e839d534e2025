"""Each request is kept, with its outcome and the reason: in Python, over HTTP and for listeners."""

import gzip
import queue
import socket
import sqlite3
from contextlib import closing

import pytest
import requests

from bc_events.local import LocalEventsAPI

from .wire import ask, envelope, post

TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [
        {
            "Action": "Created",
            "Entity": "Policy",
            "Schema": {"required": ["id"], "properties": {"id": {"type": "integer"}}},
        }
    ],
}
BAD = envelope(data={"id": "secret"})
OTHER = envelope(entity="Polciy")


@pytest.fixture(scope="module")
def server():
    with LocalEventsAPI(topics=TOPICS, max_request_bytes=5000) as api:
        yield api


@pytest.fixture
def api(server):
    server.clear()
    return server


def kept(api):
    """The latest request, as JSON has it and as Python has it."""
    [*_, shown] = ask(api, "GET", "/api/requests").json()["requests"]
    return shown, api.requests()[-1]


@pytest.mark.parametrize(
    ("body", "job", "status", "reason"),
    [
        (BAD, "job-1", 400, "SchemaViolationException: policies.PolicyCreated: /id:"),
        (
            OTHER,
            "job-1",
            400,
            "UnknownTopicException: no definitions file has a topic policies.PolciyCreated; did you mean",
        ),
        (envelope(actor=None), "job-1", 400, 'ValidationException: the envelope: "actor" is a required property'),
        ([envelope(), envelope(category="Policies")], "job-1", 400, "ValidationException: /1/category: "),
        (b"{", "job-1", 400, "ValidationException: the body is not JSON"),
        (envelope(), None, 400, "InvalidJobIdException: the header x-britecore-job-id is missing"),
        (envelope(), "a b", 400, "InvalidJobIdException: the header x-britecore-job-id has a character that is not"),
        (envelope(), "x" * 256, 400, "InvalidJobIdException: the header x-britecore-job-id has 256 characters"),
        (b"[" + b" " * 5000, "job-1", 413, "RequestEntityTooLargeException: a request has 5000 bytes at most"),
        ([BAD, BAD], "job-1", 201, "record 1: SchemaViolationException: policies.PolicyCreated: /id:"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refused_request_is_kept_with_its_reason(api, body, job, status, reason):
    answer = post(api, body, job=job)
    shown, request = kept(api)
    assert (answer.status_code, shown["status"], shown["outcome"]) == (status, status, "refused")
    assert shown["reason"].startswith(reason)
    assert "secret" not in shown["reason"]
    assert (request.reason, request.outcome, request.job_id) == (shown["reason"], "refused", job)
    assert status == 201 or answer.json()["errorMessage"] in shown["reason"]


def test_a_request_of_which_a_part_is_refused_names_the_records(api):
    post(api, [envelope(), BAD, OTHER])
    shown, _ = kept(api)
    assert (shown["outcome"], shown["records"], shown["refused_records"]) == ("partly refused", 3, 2)
    assert "record 2: Schema" in shown["reason"]
    assert "record 3: UnknownTopic" in shown["reason"]
    assert len(shown["reason"]) < 1000


def test_an_accepted_request_is_kept_with_its_topics_and_actors(api):
    post(api, [envelope(), envelope(actor={"id": "PolicyService", "type": "service"}), envelope()])
    shown, _ = kept(api)
    assert (shown["outcome"], shown["records"], shown["reason"]) == ("accepted", 3, None)
    assert shown["topics"] == ["policies.PolicyCreated"]
    assert shown["actors"] == ["user cognito-1", "service PolicyService"]


def test_a_repeat_and_a_fault_are_told_apart_from_a_refusal(api):
    for _ in range(2):
        post(api, envelope(), key="key-1")
    api.faults(unavailable={"count": 1})
    post(api, envelope())
    api.faults(latency={"count": 1, "ms": 1})
    post(api, envelope())
    found = [(one.outcome, one.fault) for one in api.requests()]
    assert found == [("accepted", None), ("repeated", None), ("faulted", "unavailable"), ("accepted", "latency")]


@pytest.mark.parametrize("path", ["/v1/events", "/events/", "/events/bulk", "/events/events", "/"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_request_to_a_wrong_path_is_told_the_right_one(api, method, path):
    answer = ask(api, method, path, json=envelope(), allow_redirects=False)
    assert answer.status_code in (404, 405)
    assert f"the api_url is {api.url}" in answer.json()["errorMessage"]
    shown, _ = kept(api)
    assert (shown["method"], shown["path"], shown["outcome"]) == (method, path, "refused")
    assert "UnknownPathException" in shown["reason"]


def test_a_page_s_picture_and_a_question_are_no_requests_that_meant_to_publish(api):
    assert ask(api, "GET", "/favicon.ico").status_code == 404
    assert "PUT /api/faults" in ask(api, "POST", "/api/faults", json={}).json()["error"]
    assert api.requests() == []


@pytest.mark.parametrize(("header", "value"), [("Host", "events-api:8026"), ("Origin", "http://shop.example")])
def test_a_request_that_is_turned_away_at_the_door_is_kept_too(api, header, value):
    """As from a container that knows the server by another name."""
    answer = post(api, envelope(), **{header: value})
    shown, _ = kept(api)
    assert shown["reason"] == answer.json()["errorMessage"]
    assert (shown["status"], shown["outcome"]) == (answer.status_code, "refused")


def test_a_request_that_is_cut_short_is_kept_too():
    told = queue.SimpleQueue()
    with LocalEventsAPI(on_request=told.put) as api:
        with socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as connection:
            connection.sendall(b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\n{")
        request = told.get(timeout=10)
    assert (request.status, request.outcome) == (None, "refused")
    assert "closed the connection" in request.reason


def test_a_client_that_speaks_tls_is_told_apart(caplog):
    """It got https:// for http://, and sees no more than that TLS failed."""
    told = queue.SimpleQueue()
    with LocalEventsAPI(on_request=told.put) as api:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(api.url.replace("http:", "https:"), timeout=10)
        request = told.get(timeout=10)
    assert (request.outcome, "begin the URL with http://" in request.reason) == ("refused", True)
    assert caplog.text == ""


@pytest.mark.parametrize("sent", [b"hello\r\n\r\n", b"POST /events HTTP/1.1\r\nno colon\r\n\r\n"])
def test_what_is_not_http_is_kept_with_the_reason(sent, caplog):
    told = queue.SimpleQueue()
    with LocalEventsAPI(on_request=told.put) as api:
        with socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as connection:
            connection.sendall(sent)
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
        request = told.get(timeout=10)
    assert (request.status, request.outcome) == (400, "refused")
    assert request.reason.startswith("the request cannot be read as HTTP/1.1: ")
    assert caplog.text == ""


def test_an_event_that_cannot_be_stored_says_why_and_asks_for_a_repeat(tmp_path):
    """As when the disk is full: it is the server's fault, not the request's."""
    with LocalEventsAPI(db=tmp_path / "events.db") as api:
        with closing(sqlite3.connect(tmp_path / "events.db")) as other:
            other.execute("DROP TABLE events")
        answer = post(api, envelope())
        shown, _ = kept(api)
    assert (answer.status_code, "errorType" in answer.json()) == (500, False)
    assert "no such table" in answer.json()["errorMessage"]
    assert (shown["outcome"], "no such table" in shown["reason"]) == ("refused", True)


def test_a_packed_body_is_told_from_a_broken_one(api):
    answer = post(api, gzip.compress(b"{}"), **{"Content-Encoding": "gzip"})
    assert "Content-Encoding gzip; send it without one" in answer.json()["errorMessage"]


def test_a_wait_in_vain_says_why_requests_were_refused(api):
    with pytest.raises(TimeoutError, match=r"^0 of 1 event for '' came in 0.01 s$"):
        api.wait(timeout=0.01)
    post(api, BAD)
    with pytest.raises(TimeoutError, match="1 request was refused, the latest because of SchemaViolationException"):
        api.wait(timeout=0.01)


def test_each_request_is_told_as_it_is_answered():
    told = queue.SimpleQueue()
    with LocalEventsAPI(topics=TOPICS, on_request=told.put) as api:
        post(api, envelope())
        post(api, BAD)
        assert [told.get(timeout=10).outcome for _ in range(2)] == ["accepted", "refused"]
        assert api.requests()[1].reason
