"""An outbox in a file, in processes that fork."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bc_events._runtime import forks
from tests.outbox.service import client_of, numbers

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_forked_processes_store_and_send_each_event_once(api, path):
    """Connections never cross the fork, and each child that stores starts a relay of its own."""
    script = f"""
import os, sys, warnings
from bc_events import events
from tests.outbox.service import client_of
client = client_of({api.url!r}, {str(path)!r})
def publish(number):
    with events.session("job-1", client=client):
        events.created_thing({{"number": number}})
publish(0)
warnings.simplefilter("ignore")
for number in range(1, 5):
    if os.fork() == 0:
        publish(number)
        sys.exit(0)
for _ in range(4):
    _, status = os.wait()
    assert status == 0, status
publish(5)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
    assert sorted(numbers(api.events())) == [0, 1, 2, 3, 4, 5]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's fork is called by its name")
def test_sessions_of_two_jobs_arrive_after_a_fork_that_python_was_not_told_of(api, path):
    """The first flush in a uWSGI worker notices the fork, and the session around it must not be taken for one from
    before the fork.
    """
    script = f"""
import ctypes, os
from bc_events import events
from tests.outbox.service import client_of
client = client_of({api.url!r}, {str(path)!r})
if ctypes.PyDLL(None).fork() == 0:
    with events.session("outer", client=client):
        events.created_thing({{"number": 1}})
        with events.session("inner", client=client):
            events.created_thing({{"number": 2}})
        events.created_thing({{"number": 3}})
    client.close()
    os._exit(0)
assert os.wait()[1] == 0
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
    assert sorted(numbers(api.events())) == [1, 2, 3]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's fork is called by its name")
def test_a_file_that_was_open_at_a_fork_that_python_was_not_told_of_is_refused(path):
    """SQLite would take the parent's locks for its own; tried under uWSGI, events were lost without a word."""
    script = f"""
import ctypes, os, sys
from bc_events import DeliveryError, events
from bc_events.outbox import SQLiteOutbox
from tests.outbox.service import client_of
client = client_of(None, SQLiteOutbox({str(path)!r}, relay=False))
def publish():
    with events.session(client=client):
        events.created_thing({{"number": 1}})
publish()
if ctypes.PyDLL(None).fork() == 0:
    try:
        publish()
    except DeliveryError as error:
        os._exit(0 if "--lazy-apps" in str(error) else 1)
    os._exit(2)
assert os.wait()[1] == 0
publish()
assert client.outbox.store.stats().pending == 2
client.close()
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)


def test_threads_wait_for_the_one_that_catches_up_on_an_unannounced_fork(monkeypatch):
    """uWSGI forks like this: a thread that went ahead would use its parent's connections."""
    resetting, go_on, order = threading.Event(), threading.Event(), []

    def reset() -> None:
        resetting.set()
        go_on.wait()
        order.append("reset")

    def use() -> None:
        forks.notice()
        order.append("used")

    monkeypatch.setattr(forks, "_resets", [reset])
    monkeypatch.setattr(forks, "generation", forks.generation)
    monkeypatch.setattr(forks, "_page", None)  # as on a system that clears no memory in a forked child
    monkeypatch.setattr(forks, "_process", -1)
    threads = [threading.Thread(target=use) for _ in range(2)]
    threads[0].start()
    resetting.wait()
    threads[1].start()
    threads[1].join(0.2)
    go_on.set()
    for thread in threads:
        thread.join()
    assert order == ["reset", "used", "used"]


def test_uwsgi_without_threads_is_told(path, monkeypatch, caplog):
    """A mock, because uWSGI itself runs in `python -m tests.faults`."""
    uwsgi = type(sys)("uwsgi")
    uwsgi.opt = {"http": b":0"}
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    client_of("http://127.0.0.1:9", str(path)).close()
    assert "--enable-threads" in caplog.text
    caplog.clear()
    uwsgi.opt = {"enable-threads": True}
    client_of("http://127.0.0.1:9", str(path)).close()
    assert "--enable-threads" not in caplog.text
