"""`bc-events outbox relay`: a relay in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bc_events._delivery.api import EventsAPI
from bc_events.errors import OutboxError
from bc_events.outbox import Relay
from bc_events.outbox._relay import command
from tests.outbox.rows import store_dead
from tests.outbox.service import numbers, row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def outbox(outbox, monkeypatch):
    """Commands find it by the environment."""
    monkeypatch.setenv("BC_EVENTS_OUTBOX", str(outbox.path))
    return outbox


def relay(*arguments: str, **environment: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "bc_events.cli", "outbox", "relay", *arguments]
    return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})


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
    api.faults(latency={"ms": 1500})  # long enough for the line of progress to be drawn
    ours, its = pty.openpty()
    words = [sys.executable, "-m", "bc_events.cli", "outbox", "relay", "--drain", "--api-url", api.url]
    process = subprocess.Popen(words, cwd=ROOT, stderr=its, env={**os.environ, "TERM": "xterm"})
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


def ended(*arguments: str) -> tuple[int, str]:
    """The exit code of a relay that ends by itself, and its log."""
    process = relay(*arguments)
    _, log = process.communicate(timeout=30)
    return process.returncode, log


def test_a_drain_that_takes_too_long_exits_with_1_and_keeps_the_events(outbox):
    outbox.store.add([row(1)])
    code, log = ended("--api-url", "http://127.0.0.1:9", "--drain", "--within", "1")
    assert code == 1
    assert "events still wait after 1 s: no answer from POST http://127.0.0.1:9/events: connection refused" in log
    assert [found.lease for found in outbox.store.show()] == [None]


def test_a_drain_that_ends_in_time_exits_with_0(outbox, api):
    outbox.store.add([row(1)])
    assert ended("--api-url", api.url, "--drain", "--within", "60")[0] == 0


def test_a_time_for_a_drain_without_one_is_misuse(outbox):
    code, log = ended("--api-url", "http://127.0.0.1:9", "--within", "1")
    assert code == 2
    assert "--within is the time that --drain may take" in log


def test_a_drain_says_at_intervals_why_it_waits(outbox, caplog):
    outbox.store.add([row(1)])
    api = EventsAPI("http://127.0.0.1:9", auth=None, timeout=(1, 1), http=None)
    with pytest.raises(OutboxError, match="events still wait"):
        command.run(Relay(outbox.store, api), drain=True, within=2.0, report_every=0.1)
    lines = [record.getMessage() for record in caplog.records if "not empty yet" in record.msg]
    assert lines
    assert "connection refused" in lines[0]


def test_a_relay_warns_of_a_file_that_is_not_there(tmp_path, api):
    """It is probably another one than the service's."""
    missing = str(tmp_path / "evnets.db")
    code, log = ended("--api-url", api.url, "--drain", "--outbox", missing)
    assert code == 0
    assert f"the outbox's file {missing} did not exist yet" in log


def test_a_relay_does_not_warn_of_a_file_that_is_there(outbox, api):
    outbox.store.add([row(1)])
    assert "did not exist" not in ended("--api-url", api.url, "--drain")[1]
