"""The relay in the process that publishes: who owns it, how it starts, and what is left when the process ends."""

import multiprocessing
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from bc_events import ConfigurationError, EventClient, events
from bc_events.outbox import RelaySettings, SQLiteOutbox
from tests.outbox.service import QUICK, TOPICS, numbers

SCRIPT = """
import atexit, logging, sys, time
ended = []
atexit.register(lambda: print("seconds", time.monotonic() - ended[0]))  # first registered, last called
from bc_events import EventClient, events
from tests.outbox.service import TOPICS
logging.basicConfig(level=logging.WARNING, format="%(message)s")
def work(url, file, count):
    client = EventClient(url, "PolicyService", TOPICS, outbox=file, timeout=(1, 9))
    with events.session(client=client):
        for number in range(count):
            events.created_thing({"number": number})
_, url, count, how, *files = sys.argv
for file in files:
    work(url, file, int(count))
ended.append(time.monotonic())
if how == "exit":
    sys.exit(3)
if how == "exception":
    raise LookupError
"""


def run_script(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def seconds_of(done) -> float:
    return float(re.search(r"seconds (\S+)", done.stdout)[1])


def pending(file) -> int:
    return SQLiteOutbox(file, relay=False).store.stats().pending


@pytest.mark.parametrize("how", ["return", "exit", "exception"])
def test_the_relay_of_a_client_that_nobody_holds_any_more_sends_at_exit(api, tmp_path, how):
    api.faults(latency={"ms": 200, "count": 1})
    done = run_script(api.url, 300, how, tmp_path / "events.db")
    assert len(api.events()) == 300, done.stderr
    assert pending(tmp_path / "events.db") == 0


def test_all_outboxes_together_have_two_seconds_at_exit_and_tell_what_is_left(tmp_path):
    """Each of them by its file, and with the number of its events."""
    files = [tmp_path / f"{name}.db" for name in "abc"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run_script(f"http://127.0.0.1:{silent.getsockname()[1]}", 7, "return", *files)
    assert 1 < seconds_of(done) < 3
    told = re.findall(r"(\d+) events waiting in .*/(\w)\.db", done.stderr)
    assert sorted(told) == [("7", "a"), ("7", "b"), ("7", "c")]


def _publish_in_a_child(url, file):
    outbox = SQLiteOutbox(file, settings=QUICK)
    with events.session(client=EventClient(url, "PolicyService", TOPICS, outbox=outbox)):
        events.created_thing({"number": 1})


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_the_relay_of_a_forked_child_of_multiprocessing_sends_at_its_exit(api, tmp_path):
    """Such a child runs none of the functions that its parent has registered with `atexit`."""
    api.faults(latency={"ms": 200})
    child = multiprocessing.get_context("fork").Process(
        target=_publish_in_a_child, args=(api.url, tmp_path / "events.db")
    )
    child.start()
    child.join(30)
    assert (child.exitcode, numbers(api.events())) == (0, [1])


FORKING_SCRIPT = """
import os, sys
from bc_events import EventClient, events
from tests.outbox.service import TOPICS
_, url, file = sys.argv
client = EventClient(url, "PolicyService", TOPICS, outbox=file)
if os.fork() == 0:
    with events.session(client=client):
        events.created_thing({"number": 1})
    sys.exit("multiprocessing.util" in sys.modules)
_, status = os.wait()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_the_relay_of_a_child_of_os_fork_sends_at_its_exit_and_loads_nothing_for_it(api, tmp_path):
    api.faults(latency={"ms": 200})
    command = [sys.executable, "-c", FORKING_SCRIPT, api.url, tmp_path / "events.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr, numbers(api.events())) == (0, "", [1])


def _publish_in_a_prefork_child(url, file):
    """As Celery's pool ends one: it sends this signal, then `os._exit`."""
    from celery.signals import worker_process_shutdown

    _publish_in_a_child(url, file)
    worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
    os._exit(0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_the_relay_of_a_prefork_child_of_celery_sends_at_its_exit(api, tmp_path):
    api.faults(latency={"ms": 200})
    child = multiprocessing.get_context("fork").Process(
        target=_publish_in_a_prefork_child, args=(api.url, tmp_path / "events.db")
    )
    child.start()
    child.join(30)
    assert (child.exitcode, numbers(api.events())) == (0, [1])


@pytest.fixture
def client(api, tmp_path):
    client = EventClient(api.url, "PolicyService", TOPICS, outbox=SQLiteOutbox(tmp_path / "events.db", settings=QUICK))
    yield client
    client.close()


def relay_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bc-events-relay")]


def publish(client, number) -> None:
    with events.session(client=client):
        events.created_thing({"number": number})


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_relay_whose_threads_cannot_be_started_leaves_none_and_tries_again(api, client, caplog, monkeypatch, allowed):
    """A process may be at its limit of threads, and below it again with the next event."""
    start, started = threading.Thread.start, []

    def limited(thread):
        if thread.name.startswith("bc-events-relay"):
            if len(started) == allowed:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", limited)
        for number in range(3):
            started.clear()
            publish(client, number)
            assert relay_threads() == []
    (record,) = [one for one in caplog.records if "cannot be started" in one.message]
    assert "events.db" in record.message
    publish(client, 3)
    client.close()
    assert sorted(numbers(api.events())) == [0, 1, 2, 3]


def test_a_pace_that_cannot_be_is_refused_when_the_client_is_made(api, tmp_path):
    """Otherwise the first event would be stored, and its flush would fail."""
    with pytest.raises(ConfigurationError, match="lease"):
        EventClient(
            api.url,
            "PolicyService",
            TOPICS,
            outbox=SQLiteOutbox(tmp_path / "events.db", settings=RelaySettings(lease=1)),
        )


def test_an_unknown_order_is_refused(api, tmp_path):
    with pytest.raises(ConfigurationError, match="order"):
        EventClient(api.url, "PolicyService", TOPICS, outbox=SQLiteOutbox(tmp_path / "events.db", order="jobs"))


def test_where_the_outbox_cannot_be_counted_any_more_nobody_knows_how_many_events_wait(tmp_path, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        outbox = SQLiteOutbox(tmp_path / "events.db", settings=QUICK)
        client = EventClient(url, "PolicyService", TOPICS, outbox=outbox, timeout=(1, 1))
        publish(client, 1)
        with closing(sqlite3.connect(tmp_path / "events.db")) as other:
            other.execute("ALTER TABLE bc_outbox RENAME TO elsewhere")
        client.close()
    assert "an unknown number of events waiting" in caplog.text
