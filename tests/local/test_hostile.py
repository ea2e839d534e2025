"""Values that are made to do harm are kept as they came, found, shown harmlessly, or refused with a reason."""

import json
import socket
from contextlib import ExitStack

import pytest

from .wire import ask, envelope, post

HOSTILE = {
    "HTML": '{"id": "<script>alert(1)</script><img src=x onerror=alert(1)>"}',
    "bidi controls": '{"id": "\u202eabc\u2066\u200b"}',
    "a long string": json.dumps({"id": "x" * 1_000_000}),
    "a huge number": '{"id": ' + "9" * 300 + "}",
    "a huge exponent": '{"id": 1e308, "small": 1e-308}',
    "NUL and controls": '{"id": "\\u0000\\u001b[31m\\u007f"}',
    "a template": '{"id": "{0} %s ${x} {{x}} \\\\"}',
    "SQL": '{"id": "\' OR 1=1; DROP TABLE events; --"}',
}
LOOKED_AT = ["/", "/api/events", "/api/events.jsonl", "/api/facets", "/api/topics", "/api/jobs/job-1", "/api/histogram"]


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_value_is_kept_as_it_came_and_shown_without_harm(local_events_api, data):
    body = json.dumps(envelope(data="DATA")).replace('"DATA"', data).encode()
    answer = post(local_events_api, body)
    assert answer.status_code == 201
    assert local_events_api.latest().raw == data.encode()
    for path in LOOKED_AT:
        assert ask(local_events_api, "GET", path).status_code == 200
    assert "<script>alert" not in ask(local_events_api, "GET", "/").text
    exported = ask(local_events_api, "GET", "/api/events.jsonl").content
    local_events_api.delete()
    assert ask(local_events_api, "POST", "/api/events.jsonl", data=exported).json()["imported"] == 1
    assert local_events_api.latest().raw == data.encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('{"id": "\\ud800"}', "not JSON"),
        ('{"a":' * 1000 + "1" + "}" * 1000, "not JSON|nests too deeply"),
        ('{"id": NaN}', "not JSON"),
        ('{"id": "\x00"}', "not JSON"),
    ],
    ids=["half a surrogate pair", "depth 1,000", "NaN", "a bare control character"],
)
def test_what_is_no_event_is_refused_with_a_reason(local_events_api, data, reason):
    body = json.dumps(envelope(data="DATA")).replace('"DATA"', data).encode()
    answer = post(local_events_api, body)
    assert answer.status_code == 400
    assert any(part in answer.json()["errorMessage"] for part in reason.split("|"))
    assert local_events_api.events("status:*") == []


def test_of_keys_that_are_there_twice_the_last_counts_as_in_the_check(local_events_api):
    """What was checked is what a reader of the export gets, and what a filter finds."""
    body = json.dumps(envelope(data="DATA")).replace('"DATA"', '{"id": 1, "id": 2}').encode()
    assert post(local_events_api, body).status_code == 201
    assert local_events_api.latest().data == {"id": 2}
    assert [len(local_events_api.events(f"data.id:{number}")) for number in (1, 2)] == [0, 1]


def test_of_two_texts_of_the_data_the_last_is_kept(local_events_api):
    body = json.dumps(envelope(data="DATA")).replace('"data": "DATA"', '"data": {"id": 1}, "data": {"id": 2}').encode()
    assert post(local_events_api, body).status_code == 201
    assert local_events_api.latest().raw == b'{"id": 2}'


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"G",
        b"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "a letter", "half of its headers", "a part of its body"],
)
def test_clients_that_are_slow_keep_nobody_waiting(local_events_api, begin):
    port = int(local_events_api.url.rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(100):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            slow.sendall(begin)
        assert post(local_events_api, envelope()).status_code == 201
        assert ask(local_events_api, "GET", "/api/events").json()["matching"] == 1


def test_a_stream_that_is_not_read_keeps_nobody_waiting(local_events_api):
    """Its events stay in the store, not in memory for it, until it reads on."""
    port = int(local_events_api.url.rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(5):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            slow.sendall(f"GET /api/events/stream?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        for _ in range(30):
            assert post(local_events_api, envelope(data={"id": "x" * 300_000})).status_code == 201
        assert ask(local_events_api, "GET", "/api/events?limit=1").json()["matching"] == 30
