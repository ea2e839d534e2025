"""The page on encryption, done as its reader does it: two files, real processes, and a change of keys."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from bc_events.local import LocalEventsAPI
from tests.docs.pages import DOCS, ROOT


@pytest.fixture
def run(tmp_path):
    """Runs a program in the example's folder with these keys. Returns its lines; `run.error` is what it has logged."""
    shutil.copytree(DOCS / "examples/encrypt", tmp_path, dirs_exist_ok=True)
    client = tmp_path / "client.py"
    with LocalEventsAPI() as api:
        client.write_text(client.read_text(encoding="utf-8").replace("http://127.0.0.1:8026", api.url), "utf-8")

        def run(keys, *command, code=0):
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "OUTBOX_KEYS": " ".join(keys)}
            done = subprocess.run(
                [sys.executable, *command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == code, done.stderr
            run.error = done.stderr
            run.printed += done.stdout + done.stderr
            return done.stdout.splitlines()

        run.printed = ""
        run.api = api
        run.folder = tmp_path
        yield run


def outbox(command, *options):
    return "-m", "bc_events", "outbox", command, "--client", "client:client", *options


def keys(count):
    return [Fernet.generate_key().decode() for _ in range(count)]


def test_what_is_stored_and_printed_is_sealed_and_what_arrives_is_not(run):
    key = keys(1)
    run(key, "service.py")
    run(key, *outbox("show"))
    run(key, *outbox("relay", "--drain", "--within", "60"))
    run(key, *outbox("history"))
    (event,) = run.api.events()
    assert event.data == {"id": "POL-1", "holder": "Jane Doe"}
    stored = b"".join(file.read_bytes() for file in run.folder.glob("sealed.db*"))
    assert b"sealed:" in stored
    assert b"Jane" not in stored
    assert "Jane" not in run.printed


def test_payloads_are_opened_where_they_are_asked_for(run):
    key = keys(1)
    run(key, "service.py")
    (line,) = run(key, *outbox("show", "--payload"))
    assert json.loads(line)["envelope"]["data"]["holder"] == "Jane Doe"
    run(key, *outbox("relay", "--drain", "--within", "60"))
    (line,) = run(key, *outbox("history", "--job", "renewal-1", "--payload"))
    assert json.loads(line)["envelope"]["data"]["holder"] == "Jane Doe"
    (line,) = run(keys(1), *outbox("history", "--payload"))
    assert json.loads(line)["envelope"] is None
    assert "cannot be opened" in json.loads(line)["fault"]


def test_a_command_without_the_key_says_how_to_give_it(run):
    run(keys(1), "service.py")
    run([], "-m", "bc_events", "outbox", "show", "--outbox", "sealed.db", "--payload", code=1)
    assert "--client MODULE:ATTR" in run.error


def test_a_change_of_keys_loses_nothing(run):
    newer, older = keys(2)
    run([older], "service.py")
    run([newer, older], "service.py")
    run([newer, older], *outbox("relay", "--drain", "--within", "60"))
    assert len(run.api.events()) == 2


def test_an_event_whose_key_was_taken_away_too_early_is_dead_and_replays(run):
    newer, older = keys(2)
    run([older], "service.py")
    run([newer], *outbox("relay", "--drain", "--within", "60"))
    assert "cannot be opened (InvalidToken); give the outbox the key" in run.error
    (line,) = run([newer], *outbox("show", "--dead"))
    assert "give the outbox the key with which it was sealed" in json.loads(line)["lastError"]
    run([newer, older], "-m", "bc_events", "outbox", "replay", "--outbox", "sealed.db", "--all")
    run([newer, older], *outbox("relay", "--drain", "--within", "60"))
    assert len(run.api.events()) == 1
