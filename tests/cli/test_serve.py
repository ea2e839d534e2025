"""`bc-events serve` serves until it is told to stop."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from contextlib import contextmanager

import pytest
import requests

from tests.docs.pages import DOCS

from .processes import output, started

ENVELOPE = {
    "action": "Created",
    "category": "policies",
    "entity": "Policy",
    "data": {"id": "x"},
    "actor": {"id": "cognito-1", "type": "user"},
}


@contextmanager
def serving(tmp_path, *arguments):
    with started("serve", "--port", "0", *arguments, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        try:
            yield process, re.search(rb"http://127\.0\.0\.1:\d+", process.stdout.readline())[0].decode()
        finally:
            process.kill()


def post(url, path="/events", key=None, **changes):
    headers = {"x-britecore-job-id": "job-1", "Idempotency-Key": key}
    return requests.post(f"{url}{path}", json={**ENVELOPE, **changes}, headers=headers, timeout=10)


def told(process):
    """The lines that it prints until it is stopped, apart from the first."""
    process.send_signal(signal.SIGINT)
    printed, errors = process.stdout.read(), process.stderr.read()
    assert (process.wait(10), errors) == (0, b"")
    return printed.decode().splitlines()


def send_one_of_each(url):
    for _ in range(2):
        post(url, key="k-1", data={"id": 1})
    post(url)
    requests.put(f"{url}/api/faults", json={"faults": {"unavailable": {"count": 1}}}, timeout=10)
    post(url, data={"id": 1})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_ends_well(tmp_path, number):
    with serving(tmp_path) as (process, url):
        assert requests.get(f"{url}/readyz", timeout=10).status_code == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")


def test_events_outlive_a_restart_in_a_file_and_data_is_checked(tmp_path, topics):
    with serving(tmp_path, "--db", "events.db") as (_, url):
        assert post(url).status_code == 201
    with serving(tmp_path, "--db", "events.db", "--topics", str(topics)) as (_, url):
        assert post(url).json()["errorType"] == "SchemaViolationException"
        assert requests.get(f"{url}/api/events", timeout=10).json()["matching"] == 1


def test_it_keeps_as_many_events_as_it_is_told(tmp_path):
    with serving(tmp_path, "--keep", "2", "--keep", "7d") as (_, url):
        for _ in range(3):
            post(url)
        assert [one["seq"] for one in requests.get(f"{url}/api/events", timeout=10).json()["events"]] == [2, 3]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "70000"),
        ("--topics", "nothing.yaml"),
        ("--db", "topics.yaml"),
        ("--keep", "0"),
        ("--keep", "5", "--keep", "6"),
    ],
)
def test_what_it_cannot_serve_is_misuse(run, arguments):
    done = run("serve", "--port", "0", *arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr


ONE_OF_EACH = """\
201 accepted  1 event: policies.PolicyCreated; user cognito-1; job job-1
201 repeated  Idempotency-Key known: same response, nothing stored; job job-1
400 refused   SchemaViolationException: policies.PolicyCreated: /id: the value is not of type "number"; user \
cognito-1; job job-1
503 faulted   unavailable: nothing stored; job job-1
"""


def test_it_tells_of_each_request_on_one_line(tmp_path, topics):
    with serving(tmp_path, "--topics", str(topics)) as (process, url):
        send_one_of_each(url)
        lines = [line[len("12:00:00 ") :] for line in told(process)]
    assert lines[1:] == ONE_OF_EACH.splitlines()


def test_as_json_it_tells_what_the_list_of_requests_has(tmp_path, topics):
    with serving(tmp_path, "--topics", str(topics), "--json") as (process, url):
        send_one_of_each(url)
        kept = requests.get(f"{url}/api/requests", timeout=10).json()["requests"]
        assert [json.loads(line) for line in told(process)] == kept
    assert [one["outcome"] for one in kept][1:] == ["repeated", "refused", "faulted"]


def test_quiet_it_tells_of_no_request(tmp_path):
    with serving(tmp_path, "--quiet") as (process, url):
        send_one_of_each(url)
        assert [line for line in told(process) if "policies" in line] == []


def test_without_topics_it_says_that_data_is_not_checked(tmp_path):
    with serving(tmp_path) as (process, _):
        assert "give --topics" in told(process)[1]


def at_a_terminal(tmp_path, topics, columns, send):
    """Its first line, and what it then prints."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    arguments = ("serve", "--port", "0", "--topics", str(topics))
    with started(*arguments, cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        chunks = output(ours)
        shown = next(chunks)
        url = re.search(rb"http://127\.0\.0\.1:\d+", shown)[0].decode()
        send(url)
        process.send_signal(signal.SIGINT)
        return (shown + b"".join(chunks)).decode().replace("\r", "").replace(url, "http://127.0.0.1:8026")


def test_at_a_terminal_it_looks_as_the_how_to_page_shows_it(tmp_path, topics):
    shown = at_a_terminal(tmp_path, topics, 80, send_one_of_each)
    assert "\x1b[31m" in shown
    bare = re.sub(r"\d\d:\d\d:\d\d ", "14:03:22 ", re.sub(r"\x1b\[\d+m", "", shown))
    assert max(map(len, bare.splitlines())) <= 80
    page = (DOCS / "how-to/local-api.md").read_text()
    assert f"```text\n{bare}```" in page, bare


@pytest.mark.parametrize("columns", [20, 200])
def test_at_a_terminal_of_any_width_nothing_from_outside_is_printed_raw(tmp_path, topics, columns):
    shown = at_a_terminal(tmp_path, topics, columns, lambda url: post(url, category="\x1b[2J", data={"\x1b[2J\r": 1}))
    assert "\x1b[2J" not in shown
    assert "refused" in shown


def test_it_goes_on_serving_when_nobody_reads_its_lines(tmp_path):
    """As in a pipe to head."""
    with serving(tmp_path) as (process, url):
        process.stdout.close()
        assert [post(url).status_code for _ in range(3)] == [201] * 3
        process.send_signal(signal.SIGINT)
        assert (process.wait(10), process.stderr.read()) == (0, b"")
