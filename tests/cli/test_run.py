"""`bc-events run` runs a command over a local Events API, and prints what it published."""

import signal
import subprocess
import sys

import pytest

from .processes import started

PUBLISHER = """\
import os, sys
from bc_events import EventClient, events
topics = {"DefaultCategory": "policies", "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": True}]}
with EventClient(os.environ["BC_EVENTS_API_URL"], "PolicyService", topics) as client:
    with events.session("job-7", client=client):
        events.created_policy({"id": 1})
        events.created_policy({"id": 2})
print("its own output")
sys.exit(3)
"""
WAITING = """\
import signal, sys, time
signal.signal(signal.{name}, lambda *_: sys.exit(7))
print("ready", flush=True)
time.sleep(60)
"""


def running(*arguments, code):
    return started(
        "run", *arguments, "--", sys.executable, "-c", code, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )


def test_it_prints_what_was_published_and_exits_as_the_command():
    process = running(code=PUBLISHER)
    printed, errors = process.communicate(timeout=60)
    first, second, last = errors.decode().splitlines()
    assert (process.returncode, printed) == (3, b"its own output\n")
    assert first.endswith('policies.PolicyCreated  service PolicyService; job job-7; {"id":1}')
    assert second.endswith('{"id":2}')
    assert last == "The command published 2 events of 1 job; 0 requests did not go well."


def test_it_says_why_requests_were_refused(tmp_path):
    (tmp_path / "topics.yaml").write_text("{DefaultCategory: policies, Topics: []}")
    process = running("--topics", str(tmp_path / "topics.yaml"), code=PUBLISHER)
    errors = process.communicate(timeout=60)[1].decode()
    assert "201 refused   record 1: UnknownTopicException: no definitions file has a topic" in errors
    assert errors.endswith("The command published no event; 1 request did not go well; 2 events did not arrive.\n")


def test_it_says_which_events_were_not_sent():
    process = running(code=PUBLISHER.replace('print("its own output")', "").replace('{"id": 2})', '{"id": 2}) / 0'))
    errors = process.communicate(timeout=60)[1].decode()
    assert "not sent  2 events: policies.PolicyCreated; rolled back: the scope ended with TypeError" in errors
    assert errors.endswith("The command published no event; 0 requests did not go well; 2 events did not arrive.\n")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_are_passed_on(name):
    process = running(code=WAITING.format(name=name))
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert process.returncode == 7


def test_a_command_that_a_signal_ends_gives_the_code_that_shells_give():
    process = running(code="import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [("nothing-of-this-name", 127, "there is no command nothing-of-this-name"), ("/", 126, "/ cannot be run: ")],
)
def test_a_command_that_cannot_be_run_is_named(run, command, code, error):
    done = run("run", command)
    assert done.returncode == code
    assert error in done.stderr
