"""`bc-events outbox relay`: a relay in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.outbox.rows import store_dead
from tests.outbox.service import numbers, row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def outbox(outbox, monkeypatch):
    """Commands find it by the environment."""
    monkeypatch.setenv("BC_EVENTS_OUTBOX", str(outbox.path))
    return outbox


def relay(*arguments: str, **environment: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bc_events.cli", "outbox", "relay", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})


def test_a_relay_sends_until_sigterm_and_exits_with_0(outbox, api):
    outbox.store.add([row(1), row(2)])
    process = relay(BC_EVENTS_API_URL=api.url)
    assert numbers(api.wait(count=2, timeout=30)) == [1, 2]
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    entries = [json.loads(line) for line in log.splitlines()]
    assert [entry["message"] for entry in entries] == [
        "the relay has started",
        "the relay has ended: 2 events sent, 0 retried, 0 dead",
    ]
    assert entries[-1]["bc_sent"] == 2
    assert all(found.lease is None for found in outbox.store.show())


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminals")
def test_at_a_terminal_a_line_shows_the_progress(outbox, api):
    import pty

    store_dead(outbox, row(1))
    outbox.store.add([row(2)])
    api.faults(latency={"ms": 1500})  # so long that the line is drawn
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "bc_events.cli", "outbox", "relay", "--drain", "--api-url", api.url]
    process = subprocess.Popen(command, cwd=ROOT, stderr=its, env={**os.environ, "TERM": "xterm"})
    os.close(its)
    shown = b""
    with suppress(OSError):  # how Linux says that nobody has the other end any more
        while some := os.read(ours, 1 << 16):
            shown += some
    os.close(ours)
    assert process.wait(30) == 0
    assert b"0 sent, 1 waiting, 1 dead" in shown
    assert b"1 event sent, 0 retried, 0 dead" in shown


CLIENT = """
from bc_events import EventClient
from bc_events.outbox import SQLiteOutbox
from tests.outbox.service import TOPICS

client = EventClient({url!r}, "PolicyService", TOPICS, auth=lambda: "token", outbox=SQLiteOutbox({path!r}))
"""


def test_a_relay_takes_api_and_auth_from_a_client(outbox, api, tmp_path):
    outbox.store.add([row(1)])
    (tmp_path / "myservice.py").write_text(CLIENT.format(url=api.url, path=str(outbox.path)))
    process = relay("--client", "myservice:client", "--drain", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert [request.has_authorization for request in api.requests()] == [True]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--client", "nowhere:client"], "there is no module nowhere"),
        (["--client", "json:dumps"], "dumps is a function, not an EventClient"),
        (["--outbox", "events.db"], "no Events API is named"),
        (["--api-url", "http://127.0.0.1:9", "--lease", "1", "--outbox", "events.db"], "too short"),
    ],
)
def test_a_relay_that_cannot_work_says_why(run, arguments, reason, monkeypatch, tmp_path):
    monkeypatch.delenv("BC_EVENTS_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("relay", *arguments)[0] == 2
    assert reason in run.error
