"""An outbox that keeps what it has sent: its option, its relay, and the commands that print it."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bc_events._delivery.wire import read_answer
from bc_events.errors import ConfigurationError, OutboxError
from bc_events.outbox import Relay, SQLAlchemyOutbox, SQLiteOutbox, named
from bc_events.outbox._relay.upkeep import ArchiveUpkeep
from bc_events.outbox._store.store import Settlement
from bc_events.outbox.django import DjangoOutbox
from tests.outbox.conformance.archive import DAY, age, send
from tests.outbox.relays import drained, relay_of, until
from tests.outbox.rows import claimed, ids, rows_of
from tests.outbox.service import QUICK, client_of, publish, row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kept(path, monkeypatch):
    """An outbox that keeps what was sent. Commands find it by the environment."""
    monkeypatch.setenv("BC_EVENTS_OUTBOX", str(path))
    outbox = SQLiteOutbox(path, relay=False, keep="90d")
    yield outbox
    outbox.store.close()


@pytest.mark.parametrize(
    ("keep", "seconds"), [("90d", 90 * DAY), ("12h", DAY / 2), (timedelta(days=1, hours=1), DAY + 3600), (None, None)]
)
def test_every_outbox_takes_an_age_to_keep_events_for(tmp_path, keep, seconds):
    file = str(tmp_path / "events.db")
    by_class = [SQLiteOutbox(file, keep=keep), SQLAlchemyOutbox(f"sqlite:///{file}", keep=keep)]
    assert [outbox.store.keep for outbox in (*by_class, named(file, keep=keep))] == [seconds] * 3
    assert DjangoOutbox(keep=keep)._keep == seconds


@pytest.mark.parametrize("keep", ["90", "90 d", "1.5d", "-1d", "d", "", "90w", "0d", "36501d", 90, True, timedelta(0)])
def test_an_age_that_cannot_be_meant_is_refused_with_one_that_can(tmp_path, keep):
    for make in (
        lambda: SQLiteOutbox(tmp_path / "events.db", keep=keep),
        lambda: SQLAlchemyOutbox("sqlite:///events.db", keep=keep),
        lambda: DjangoOutbox(keep=keep),
    ):
        with pytest.raises(ConfigurationError, match="^keep is ") as caught:
            make()
        assert "90d" in str(caught.value) or "at most 36500d" in str(caught.value)


def test_a_relay_archives_what_it_has_sent_with_the_request_s_key_and_the_api_s_id(kept, api):
    with client_of(None, kept) as client:
        publish(client, 1, job="alone")
        publish(client, 2, 3, job="together")
    drained(kept.store, api)
    requests = {request.job_id: request for request in api.requests()}
    (alone,) = kept.store.history(job_id="alone")
    (received,) = [event for event in api.events() if event.job_id == "alone"]
    assert alone.api_event_id == received.event_id
    together = kept.store.history(job_id="together")
    assert [found.api_event_id for found in together] == [None, None]
    keys = {found.job_id: str(found.idempotency_key) for found in kept.store.history()}
    assert keys == {job_id: request.idempotency_key for job_id, request in requests.items()}


def test_a_relay_purges_what_is_too_old(kept, api):
    send(kept.store, [row(1)])
    age(kept.store, 91 * DAY)
    send(kept.store, [row(2)])
    with relay_of(kept.store, api):
        until(lambda: len(kept.store.history()) == 1)


def test_a_relay_without_a_keep_leaves_an_archive_alone(kept, outbox, api):
    send(kept.store, [row(1)])
    age(kept.store, 91 * DAY)
    outbox.store.add([row(2)])
    drained(outbox.store, api)
    assert len(kept.store.history()) == 1


def test_a_purge_that_fails_is_reported_once_and_tried_again(caplog):
    class Refusing:
        def purge_sent(self):
            raise OutboxError("the disk is full")

    upkeep = ArchiveUpkeep(Refusing(), None)
    assert (upkeep._purge(), upkeep._purge()) == (False, False)
    (record,) = caplog.records
    assert (record.levelno, record.bc_reason) == (logging.WARNING, "the disk is full")


class Quoting:
    """An Events API that is away at first and then refuses the event, and quotes it both times."""

    url = "https://api.example"
    deadline = 1.0

    def __init__(self) -> None:
        self.statuses = [503, 400]

    def prepare(self) -> None:
        """Nothing is to be loaded."""

    def post(self, request, patience=None):
        status = self.statuses.pop(0)
        said = {"message": request.body.decode(), **({"errorType": "Invalid"} if status == 400 else {})}
        return read_answer(request, status, {}, json.dumps(said).encode(), address="POST http://api")


@pytest.mark.parametrize("is_sealed", [True, False])
def test_the_words_with_which_the_api_refuses_a_sealed_event_are_kept_nowhere(path, caplog, run, is_sealed):
    """They may quote what they refuse."""
    caplog.set_level(logging.DEBUG)
    sealing = {"seal": lambda plain: plain[::-1], "open": lambda sealed: sealed[::-1]} if is_sealed else {}
    outbox = SQLiteOutbox(path, relay=False, **sealing)
    outbox.store.add([row(1, payload='{"name":"Jane Doe"}')])
    with Relay(outbox.store, Quoting(), settings=QUICK) as relay:
        until(lambda: relay.counts.pause_reason is not None or outbox.store.stats().dead == 1)
        paused = outbox.store.show()
        until(lambda: outbox.store.stats().dead == 1)
    (dead,) = outbox.store.show(dead=True)
    assert dead.last_error.startswith("HTTP 400 Invalid")
    assert len(caplog.records) >= 2
    shown = run("show", "--dead", "--outbox", str(path))[1]
    assert ("Jane" in caplog.text + repr([dead.last_error, paused and paused[0].last_error, shown])) is not is_sealed
    outbox.store.close()


def test_history_prints_json_without_payloads(kept, run):
    send(kept.store, [row(7, "job-7"), row(8, "job-8")])
    code, (line,) = run("history", "--job", "job-7")
    assert code == 0
    found = json.loads(line)
    assert (found["topic"], found["jobId"], found["attempts"]) == ("testing.ThingCreated", "job-7", 1)
    assert datetime.fromisoformat(found["sent"]).tzinfo is not None
    assert "number" not in line
    assert "envelope" not in found


def test_history_prints_payloads_where_asked(kept, run):
    send(kept.store, [row(7)])
    (line,) = run("history", "--payload")[1]
    assert json.loads(line)["envelope"]["data"] == {"number": 7}


def test_history_prints_a_table(kept, run):
    send(kept.store, [row(1, "a\x1bjob"), row(2, "job-2")])
    code, lines = run("history", "--format", "table")
    assert code == 0
    assert lines[0].split() == ["sent", "topic", "jobId", "id", "attempts", "apiEventId"]
    assert len({line.index("testing.ThingCreated") for line in lines[1:]}) == 1
    assert "a\\x1bjob" in "".join(lines)
    assert run("history", "--format", "table", "--payload")[0] == 2


def test_history_is_narrowed_by_topic_time_id_and_number(kept, run):
    rows = [row(number, topic=f"testing.T{number}") for number in range(3)]
    for number, one in enumerate(rows):
        send(kept.store, [one])
        age(kept.store, (3 - number) * DAY, one.id)

    def printed(*options):
        code, lines = run("history", *options)
        assert code == 0
        return [json.loads(line)["topic"] for line in lines]

    two_days_ago = datetime.now(UTC) - timedelta(days=2, hours=1)
    assert printed() == ["testing.T2", "testing.T1", "testing.T0"]
    assert printed("--topic", "testing.T1") == ["testing.T1"]
    assert (
        printed("--since", "49h")
        == printed("--since", f"{two_days_ago:%Y-%m-%dT%H:%M}")
        == ["testing.T2", "testing.T1"]
    )
    assert printed("--until", two_days_ago.isoformat()) == ["testing.T0"]
    assert printed("--since", "3000-01-01") == []
    assert printed(str(rows[0].id)) == ["testing.T0"]
    assert printed("--limit", "1") == ["testing.T2"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--since", "yesterday"), ("--until", "90"), ("--limit", "0"), ("--job", ""), ("--topic", "\x1b[2J")],
)
def test_an_option_of_history_that_cannot_be_meant_is_a_usage_error(kept, run, option, value):
    assert run("history", option, value) == (2, [])
    assert f"Invalid value for '{option}'" in run.error
    assert "\x1b" not in run.error


def test_history_needs_an_outbox(run, monkeypatch):
    monkeypatch.delenv("BC_EVENTS_OUTBOX", raising=False)
    assert run("history")[0] == 2
    assert "no outbox is named" in run.error


def test_the_command_s_relay_keeps_events_where_it_is_told_to(outbox, api, run):
    outbox.store.add([row(1)])
    words = ["--outbox", str(outbox.path), "--api-url", api.url, "--drain", "--within", "60", "--keep", "90d"]
    subprocess.run([sys.executable, "-m", "bc_events", "outbox", "relay", *words], cwd=ROOT, check=True, timeout=120)
    assert len(outbox.store.history()) == 1


def test_a_keep_beside_a_client_or_one_that_cannot_be_meant_is_a_usage_error(run):
    assert run("relay", "--client", "service:client", "--keep", "90d")[0] == 2
    assert "has a keep of its own" in run.error
    assert run("relay", "--outbox", "events.db", "--keep", "ninety")[0] == 2
    assert "Invalid value for '--keep'" in run.error


def test_settling_archives_each_event_once_whatever_kills_the_relay(kept, tmp_path):
    """The archive and the outbox change in one transaction: no event is in both, and none in neither."""
    rows = [row(number, f"job-{number % 5}") for number in range(200)]
    kept.store.add(rows)
    script = f"""
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._store.store import Settlement
from tests.outbox.rows import claimed, rows_of
store = SQLiteOutbox({str(kept.path)!r}, relay=False, keep="90d").store
while claim := claimed(store, limit=3, seconds=0):
    store.settle(claim.lease, Settlement(rows_of(claim)[:2]))
    print(flush=True)
"""
    for lines in range(1, 6):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(3 * lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        archived, waiting = ids(kept.store.history(limit=1_000)), ids(kept.store.show(limit=1_000))
        assert sorted([*archived, *waiting]) == sorted(ids(rows))
    assert archived


def test_a_backlog_is_purged_while_events_flow(kept, api):
    send(kept.store, [row(number) for number in range(1_500)])
    age(kept.store, 91 * DAY)
    kept.store.add([row(number) for number in range(20)])
    with relay_of(kept.store, api):
        until(lambda: kept.store.stats().pending == 0 and len(kept.store.history(limit=2_000)) == 20)
    claim = claimed(kept.store)
    assert claim is None or kept.store.settle(claim.lease, Settlement(rows_of(claim))) == 0
    assert time.time() - kept.store.history(limit=1)[0].sent_at < 300


def test_a_relay_without_the_key_of_sealed_events_pauses_and_says_what_it_needs(path, api, caplog):
    sealing = SQLiteOutbox(path, relay=False, seal=lambda plain: plain[::-1])
    sealing.store.add([row(1)])
    relay = relay_of(sealing.store, api)
    with relay:
        until(lambda: relay.counts.pause_reason is not None)
    assert "open=" in relay.counts.pause_reason
    assert "cannot use its outbox" in caplog.text
    assert (sealing.store.stats().pending, sealing.store.stats().dead) == (1, 0)
    assert api.requests() == []
    sealing.store.close()
