"""EventClient(outbox="events.db"): what a flush promises, and the relay in the process."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bc_events import ConfigurationError, DeliveryError, events
from bc_events._delivery.request import Limits
from bc_events._runtime import forks
from bc_events.outbox import SQLiteOutbox, named
from bc_events.outbox._store.store import Settlement
from tests.outbox.service import QUICK, client_of, numbers

ROOT = Path(__file__).parents[2]
KILLED_WHILE_MAKING = """
import os, signal, sys
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._sql import schema

def half(dialect, creation=schema.creation):
    yield creation(dialect)[0]
    os.kill(os.getpid(), signal.SIGKILL)

schema.creation = half
SQLiteOutbox(sys.argv[1], relay=False).store.stats()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def outbox(path):
    """One whose relay is elsewhere."""
    outbox = SQLiteOutbox(path, relay=False)
    yield outbox
    outbox.store.close()


def publish(client, *values: int, job: str = "job-1") -> None:
    with events.session(job, client=client):
        for number in values:
            events.created_thing({"number": number})


def test_a_session_is_stored_whole_when_its_flush_returns(outbox):
    with client_of(None, outbox) as client:
        publish(client, 1, 2)
        stored = outbox.store.show()
    assert [(row.topic, row.category, row.job_id, row.service) for row in stored] == [
        ("testing.ThingCreated", "testing", "job-1", "PolicyService")
    ] * 2
    assert stored[0].payload == (
        '{"action":"Created","category":"testing","entity":"Thing","data":{"number":1},'
        '"actor":{"id":"PolicyService","type":"service"}}'
    )


def test_nothing_of_a_rolled_back_session_is_stored(outbox):
    with client_of(None, outbox) as client:
        with pytest.raises(ZeroDivisionError), events.session(client=client):
            events.created_thing({"number": 1})
            raise ZeroDivisionError
        assert outbox.store.stats().pending == 0


def test_a_commit_is_durable(outbox, path):
    """Write-ahead log and a full sync: what a flush has promised survives kill -9 and the loss of power."""
    with client_of(None, outbox) as client:
        publish(client, 1)
        with outbox.store._database.transaction() as transaction:
            assert transaction.run("PRAGMA synchronous") == [(2,)]
            assert transaction.run("PRAGMA journal_mode") == [("wal",)]


def test_the_relay_in_this_process_delivers(api, path):
    outbox = SQLiteOutbox(path, settings=QUICK)
    with client_of(api.url, outbox) as client:
        publish(client, 1, 2)
        assert numbers(api.wait(count=2)) == [1, 2]
        (request,) = api.requests()
        assert request.job_id == "job-1"
    assert outbox.store.stats().pending == 0
    outbox.store.close()


def test_a_name_is_enough(api, path):
    with client_of(api.url, str(path)) as client:
        publish(client, 1)
        assert numbers(api.wait(count=1)) == [1]


@pytest.mark.parametrize("form", ["sqlite:///{}", "{}"])
def test_a_file_may_be_named_as_a_url(api, path, form):
    with client_of(api.url, form.format(path)) as client:
        publish(client, 1)
    assert path.exists()


def test_what_is_no_outbox_is_refused(path):
    with pytest.raises(ConfigurationError, match=r"outbox is a \w*Path; give the name of a file as a string"):
        client_of(None, path)


def test_an_unknown_kind_of_outbox_is_refused():
    with pytest.raises(ConfigurationError, match=r"no outbox lives at mysql://; give a file name"):
        client_of(None, "mysql://somewhere")


def test_options_in_the_url_of_a_file_are_refused():
    """They would become a part of the file's name."""
    with pytest.raises(ConfigurationError, match="takes no options"):
        named("sqlite:///events.db?timeout=3")


@pytest.mark.parametrize(
    "options", [{"busy_timeout": float("nan")}, {"busy_timeout": float("inf")}, {"busy_timeout": -1}, {"max_bytes": 0}]
)
def test_an_option_that_cannot_hold_is_refused(path, options):
    with pytest.raises(ConfigurationError):
        SQLiteOutbox(path, **options)


@pytest.mark.parametrize("name", [":memory:", "sqlite:///:memory:", "sqlite://", "", Path(), "file:events.db?mode=ro"])
def test_what_names_no_file_is_refused(name):
    with pytest.raises(ConfigurationError, match=r"names none; give one such as events\.db"):
        named(name) if isinstance(name, str) else SQLiteOutbox(name)


@pytest.mark.parametrize("name", ["events.db\n", "sqlite:///events.db\n", " events.db"])
def test_white_space_around_the_name_of_its_file_is_refused(name):
    with pytest.raises(ConfigurationError, match="white space"):
        named(name)


def test_a_relay_without_an_api_is_refused(path):
    with pytest.raises(ConfigurationError, match="relay=False"):
        client_of(None, str(path))


def test_no_thread_is_started_before_the_first_event(api, path):
    before = threading.active_count()
    with client_of(api.url, str(path)):
        assert threading.active_count() == before


def test_closing_sends_what_is_left(api, path):
    client = client_of(api.url, str(path))
    publish(client, *range(10))
    client.close()
    assert sorted(numbers(api.events())) == list(range(10))


def test_closing_with_the_api_down_keeps_the_events_and_says_so(path, caplog):
    outbox = SQLiteOutbox(path, settings=QUICK)
    client = client_of("http://127.0.0.1:9", outbox)
    publish(client, 1)
    client.close()
    (record,) = [one for one in caplog.records if "1 event waiting in" in one.message]
    assert record.levelno == logging.WARNING
    assert record.bc_pending == 1
    assert outbox.store.stats().pending == 1
    outbox.store.close()


def test_a_failing_flush_raises_and_the_error_keeps_the_events(tmp_path):
    outbox = SQLiteOutbox(tmp_path / "missing" / "events.db", relay=False)
    with client_of(None, outbox) as client:
        with pytest.raises(DeliveryError, match="see that its folder can be written to") as failure:
            publish(client, 1, 2)
        assert [(item.event.data["number"], item.outcome) for item in failure.value.undelivered] == [
            (1, "unsent"),
            (2, "unsent"),
        ]
        (tmp_path / "missing").mkdir()
        client.resend(failure.value)
        client.resend(failure.value)
        assert outbox.store.stats().pending == 2


def fill(client, *, by):
    """Sessions of so many events, until one is refused."""
    with pytest.raises(DeliveryError, match="full"):
        for _ in range(1000):
            publish(client, *range(by))


def test_a_full_outbox_refuses_and_recovers(path):
    """The size cap: a dead API must not fill the disk unseen."""
    outbox = SQLiteOutbox(path, relay=False, max_bytes=256 * 1024)
    with client_of(None, outbox) as client:
        fill(client, by=100)
        kept = outbox.store.stats().pending
        assert kept % 100 == 0, "a session is stored whole or not at all"
        assert kept > 0


def test_relays_empty_a_full_outbox_which_then_takes_events_again(path):
    """A claim writes into its rows, which then need more room than the cap has left."""
    outbox = SQLiteOutbox(path, relay=False, max_bytes=256 * 1024)
    with client_of(None, outbox) as client:
        fill(client, by=5)
        while (claim := outbox.store.claim(limit=250, seconds=60, limits=Limits())) is not None:
            outbox.store.settle(claim.lease, Settlement([row for one in claim.requests for row in one.events]))
        assert outbox.store.stats().pending == 0
        publish(client, 1)
        assert outbox.store.stats().pending == 1


def test_a_locked_file_makes_the_flush_raise(path):
    outbox = SQLiteOutbox(path, relay=False, busy_timeout=0.05)
    with client_of(None, outbox) as client:
        publish(client, 1)
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DeliveryError, match="locked") as caught:
            publish(client, 2)
        assert [item.outcome for item in caught.value.undelivered] == ["unsent"]
        other.rollback()
        other.close()
        publish(client, 3)
        assert outbox.store.stats().pending == 2


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_what_is_stored_after_the_file_was_removed_is_in_the_file_that_others_find(outbox, path, caplog):
    """A connection goes on committing to a deleted file, and nobody would ever read it."""
    with client_of(None, outbox) as client:
        publish(client, 1)
        for file in path.parent.iterdir():
            file.unlink()
        publish(client, 2)
    elsewhere = SQLiteOutbox(path, relay=False)
    assert [row.payload.count('"number":2') for row in elsewhere.store.show()] == [1]
    elsewhere.store.close()
    (message,) = caplog.messages
    assert message.startswith(f"the outbox's file {path} was removed or replaced while it was open")


def test_a_file_of_another_version_is_refused_and_left_alone(outbox, path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bc_outbox (seq integer PRIMARY KEY, id char(32), gone text)")
        other.execute("CREATE INDEX bc_outbox_ready_v2 ON bc_outbox (seq)")
        before = list(other.iterdump())
    with (
        client_of(None, outbox) as client,
        pytest.raises(DeliveryError, match="another version of the table") as raised,
    ):
        publish(client, 1)
    assert [item.event.data for item in raised.value.undelivered] == [{"number": 1}]
    with closing(sqlite3.connect(path)) as other:
        assert list(other.iterdump()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is killed that way there")
def test_a_table_half_made_by_a_process_that_died_is_nothing(tmp_path):
    """All statements of its creation are one transaction: a kill leaves all of them or none."""
    path = tmp_path / "events.db"
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_MAKING, str(path)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with closing(SQLiteOutbox(path, relay=False).store) as store:
        assert store.stats().pending == 0


def test_threads_store_side_by_side(outbox):
    with client_of(None, outbox) as client:
        threads = [threading.Thread(target=publish, args=(client, *range(5))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outbox.store.stats().pending == 100


def test_async_scopes_store_off_the_loop(outbox):
    import asyncio

    async def work(client) -> None:
        async with events.session(client=client):
            events.created_thing({"number": 1})

    with client_of(None, outbox) as client:
        asyncio.run(work(client))
        assert outbox.store.stats().pending == 1


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
    """The first flush in a uWSGI worker notices the fork, and the session around it must not be taken for older."""
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
