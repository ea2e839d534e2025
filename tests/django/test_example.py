"""The example service of the documentation: its own tests, and its whole way to the Events API, in real processes."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

from bc_events.local import LocalEventsAPI

EXAMPLE = pathlib.Path(__file__).parents[2] / "docs/examples/django"


@pytest.fixture
def service(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    return tmp_path


def started(folder, *command, api=None):
    environment = {**os.environ, "PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "settings"}
    if api is not None:
        environment["BC_EVENTS_API_URL"] = api
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-W", "error", *command], cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True
    )


def managed(folder, *arguments, api=None):
    process = started(folder, "manage.py", *arguments, api=api)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    return out + err


def test_it_passes_its_own_tests(service):
    assert "OK" in managed(service, "test", "-v0")


REQUESTS = """
import django

django.setup()
from django.test import Client

client = Client(SERVER_NAME="127.0.0.1")
client.get("/claims/7/250", headers={"x-britecore-job-id": "job-1"})
client.get("/claims/8/20000")
"""


def test_what_a_request_commits_reaches_the_events_api_by_a_relay_which_ends_well(service):
    managed(service, "migrate", "-v0")
    with LocalEventsAPI() as api:
        relay = started(service, "manage.py", "bc_events_relay", api=api.url)
        out, said = started(service, "-c", REQUESTS).communicate(timeout=60)
        assert out == ""
        assert re.fullmatch(r"1 event of job \S+ dropped: the database transaction was rolled back\n", said)
        [event] = api.wait(count=1, timeout=30)
        assert (event.job_id, event.data["number"]) == ("job-1", 7)
        relay.send_signal(signal.SIGTERM)
        out, err = relay.communicate(timeout=30)
        assert (relay.returncode, out, err) == (0, "1 event sent, 0 retried, 0 dead\n", "")
        assert len(api.events()) == 1
