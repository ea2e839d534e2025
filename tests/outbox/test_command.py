"""`bc-events outbox`: what it prints, and what its exit codes say to monitoring."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bc_events._delivery.request import Limits
from tests.outbox.rows import store_dead
from tests.outbox.service import row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def outbox(outbox, monkeypatch):
    """Commands find it by the environment."""
    monkeypatch.setenv("BC_EVENTS_OUTBOX", str(outbox.path))
    return outbox


def test_status_is_one_json_object(outbox, run):
    outbox.store.add([row(1)])
    code, (line,) = run("status")
    assert code == 0
    found = json.loads(line)
    assert (found["pending"], found["dead"], found["leased"], found["retried"]) == (1, 0, 0, 0)
    assert found["oldest_age"] > 0


def test_status_fails_where_an_event_waits_for_too_long(outbox, run):
    outbox.store.add([row(1)])
    assert run("status", "--max-age", "60")[0] == 1
    assert run("status", "--max-age", "1e9")[0] == 0


def test_status_fails_where_too_many_are_dead(outbox, run):
    store_dead(outbox, row(1))
    assert run("status", "--max-dead", "1")[0] == 0
    assert run("status", "--max-dead", "0")[0] == 1


def test_a_mistyped_name_is_not_an_empty_outbox(run, tmp_path):
    code, lines = run("status", "--outbox", str(tmp_path / "nothing.db"))
    assert (code, lines) == (2, [])
    assert "does not exist" in run.error
    assert not (tmp_path / "nothing.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database", "another database"])
def test_another_file_is_not_an_empty_outbox_and_is_left_alone(run, tmp_path, content):
    """Monitoring would be green for ever, and a table and a write-ahead log would come into a stranger's database."""
    path = tmp_path / "other.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE users (name)")
    before = path.read_bytes()
    assert run("status", "--outbox", str(path)) == (2, [])
    assert "there is no outbox" in run.error
    assert path.read_bytes() == before


def test_an_outbox_that_cannot_be_read_fails(run):
    assert run("status", "--outbox", "postgresql://postgres@127.0.0.1:9/nowhere")[0] == 1
    assert "Traceback" not in run.error


def test_a_django_outbox_without_settings_is_refused_in_a_line():
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "bc_events.cli", "outbox", "status", "--outbox", "django"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: Django cannot be set up (ImproperlyConfigured: ")
    assert "Traceback" not in ended.stderr


def test_show_names_events_and_keeps_their_data_to_itself(outbox, run):
    outbox.store.add([row(1), row(2, "job-2")])
    code, lines = run("show")
    assert code == 0
    assert [(json.loads(line)["topic"], json.loads(line)["jobId"]) for line in lines] == [
        ("testing.ThingCreated", "job-1"),
        ("testing.ThingCreated", "job-2"),
    ]
    assert "number" not in "".join(lines)


def test_show_prints_payloads_where_asked(outbox, run):
    outbox.store.add([row(7)])
    _, (line,) = run("show", "--payload")
    assert json.loads(line)["envelope"]["data"] == {"number": 7}


def test_what_cannot_be_read_is_shown_all_the_same(outbox, run):
    """Before a relay has come upon it, and after."""
    outbox.store.add([row(1, payload='{"secret": "data"'), row(2)])
    assert json.loads(run("status")[1][0])["pending"] == 2
    _, lines = run("show", "--payload")
    assert [json.loads(line)["envelope"] is None for line in lines] == [True, False]
    outbox.store.claim(limit=250, seconds=60, limits=Limits())
    _, (line,) = run("show", "--dead", "--payload")
    assert "payload is not JSON" in json.loads(line)["lastError"]
    assert "secret" not in line


def test_show_finds_dead_events_and_single_ones(outbox, run):
    store_dead(outbox, row(1))
    waiting = row(2)
    outbox.store.add([waiting])
    _, (line,) = run("show", "--dead")
    assert json.loads(line)["lastError"] == "HTTP 400"
    _, (line,) = run("show", str(waiting.id))
    assert json.loads(line)["id"] == str(waiting.id)


def test_replay_makes_dead_events_ready(outbox, run):
    rows = [row(1), row(2), row(3)]
    store_dead(outbox, *rows)
    assert run("replay", str(rows[0].id)) == (0, ['{"replayed":1}'])
    assert run("replay", "--all") == (0, ['{"replayed":2}'])
    assert outbox.store.stats().pending == 3


def test_purge_deletes_dead_events(outbox, run):
    rows = [row(1), row(2), row(3)]
    store_dead(outbox, *rows)
    assert run("purge", str(rows[0].id)) == (0, ['{"purged":1}'])
    assert run("purge", "--dead") == (0, ['{"purged":2}'])


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("status", "--max-age"),
        ("status", "--max-dead"),
        ("show", "--limit"),
        ("sql", "--from-version"),
        ("relay", "--workers"),
        ("relay", "--lease"),
        ("relay", "--timeout"),
    ],
)
@pytest.mark.parametrize("number", ["nan", "inf", "-1", "9" * 20, "1e300", "many", "\x1b[2J"])
def test_a_number_that_cannot_be_meant_is_a_usage_error(outbox, run, command, option, number):
    numbers = [number, "1"] if option == "--timeout" else [number]
    assert run(command, option, *numbers) == (2, [])
    assert f"Invalid value for '{option}'" in run.error
    assert "\x1b" not in run.error


@pytest.mark.parametrize("command", ["replay", "purge"])
def test_nothing_is_changed_by_a_command_that_names_nothing(outbox, run, command):
    store_dead(outbox, row(1))
    assert run(command)[0] == 2
    assert outbox.store.stats().dead == 1


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_sql_makes_the_table(run, dialect, tmp_path, request):
    _, lines = run("sql", "--dialect", dialect)
    script = "\n".join(lines)
    if dialect == "sqlite":
        connection = sqlite3.connect(tmp_path / "made.db")
        connection.executescript(script)
        connection.close()
        assert run("status", "--outbox", str(tmp_path / "made.db"))[0] == 0
    else:
        url = request.getfixturevalue("postgres_url")
        with request.getfixturevalue("postgres").connect() as connection:
            connection.execute("DROP TABLE bc_outbox, bc_outbox_sent")
            assert run("status", "--outbox", url)[0] == 1
            assert "bc-events outbox sql" in run.error
            connection.execute(script)
        assert run("status", "--outbox", url)[0] == 0


def test_there_is_nothing_to_upgrade_in_the_present_version(run):
    assert run("sql", "--from-version", "2") == (0, ["-- bc_events outbox, version 2, postgresql"])


def test_a_version_that_is_yet_to_come_is_not_taken_for_an_upgrade_without_steps(run):
    assert run("sql", "--from-version", "99") == (2, [])
    assert "this release knows versions up to" in run.error
