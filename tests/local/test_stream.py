"""Events are seen as they come, and a stream that broke goes on where it was."""

import json
from contextlib import contextmanager

import pytest
import requests

from bc_events.local import LocalEventsAPI

from .wire import ask, envelope, post


@contextmanager
def streaming(api, path="/api/events/stream", **headers):
    with requests.get(api.url + path, stream=True, headers=headers, timeout=10) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        messages = read(response)
        next(messages)
        yield messages


def read(response):
    """Each message as its fields."""
    fields = {}
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


def job(message):
    return json.loads(message["data"])["jobId"]


def test_events_come_as_they_are_published(local_events_api):
    post(local_events_api, envelope(), job="before")
    with streaming(local_events_api) as messages:
        post(local_events_api, envelope(), job="job-1")
        post(local_events_api, [envelope()] * 3, job="job-2")
        assert [job(next(messages)) for _ in range(4)] == ["job-1", "job-2", "job-2", "job-2"]


def test_a_stream_has_what_its_filter_finds(local_events_api):
    with streaming(local_events_api, "/api/events/stream?q=job:b") as messages:
        for name in "abcb":
            post(local_events_api, envelope(data={"name": name}), job=name)
        found = [next(messages) for _ in range(2)]
    assert [(one["id"], job(one)) for one in found] == [("2", "b"), ("4", "b")]


def test_after_a_break_a_stream_goes_on_behind_the_last_event(local_events_api):
    with streaming(local_events_api) as messages:
        post(local_events_api, envelope(), job="job-1")
        last = next(messages)["id"]
    post(local_events_api, [envelope()] * 150, job="job-2")
    with streaming(local_events_api, **{"Last-Event-ID": last}) as messages:
        assert [int(next(messages)["id"]) for _ in range(150)] == list(range(2, 152))


def test_the_past_comes_on_request(local_events_api):
    post(local_events_api, envelope(), job="job-1")
    with streaming(local_events_api, "/api/events/stream?after=0") as messages:
        assert job(next(messages)) == "job-1"


def test_a_stream_tells_that_everything_was_deleted(local_events_api):
    post(local_events_api, envelope())
    with streaming(local_events_api) as messages:
        local_events_api.clear()
        post(local_events_api, envelope(), job="new")
        assert next(messages)["event"] == "cleared"
        assert job(next(messages)) == "new"


@pytest.mark.parametrize("path", ["/api/events/stream?q=colour:red", "/api/events/stream?after=x"])
def test_a_wrong_parameter_is_refused_before_the_stream_begins(local_events_api, path):
    assert ask(local_events_api, "GET", path).status_code == 400


def test_a_server_that_stops_ends_its_streams():
    with LocalEventsAPI() as api:
        response = requests.get(f"{api.url}/api/events/stream", stream=True, timeout=10)
        next(response.iter_lines(chunk_size=1))
    assert [line for line in response.iter_lines(chunk_size=1) if line.startswith(b"data")] == []
    response.close()
