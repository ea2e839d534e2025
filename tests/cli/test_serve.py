"""`bc-events serve` serves until it is told to stop."""

import re
import signal
import subprocess
from contextlib import contextmanager

import pytest
import requests

from .processes import started

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


def post(url):
    return requests.post(f"{url}/events", json=ENVELOPE, headers={"x-britecore-job-id": "job-1"}, timeout=10)


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


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--topics", "nothing.yaml"), ("--db", "topics.yaml")])
def test_what_it_cannot_serve_is_misuse(run, arguments):
    done = run("serve", "--port", "0", *arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr
