"""The programs on the page about Django's transactions end as they say: with an outbox, and without one.

Each asserts itself which events were sent. What it logs is asserted here.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import DOCS

EXAMPLES = DOCS / "examples/django_transactions"
ROLLED_BACK = "the database transaction was rolled back"
FAILED = "the scope ended with LookupError"
DROPPED = {
    "commit": [],
    "rollback": [ROLLED_BACK, ROLLED_BACK],
    "atomic_requests": [ROLLED_BACK, ROLLED_BACK],
    "savepoint": [ROLLED_BACK],
    "caught": [FAILED, FAILED],
    "failing_block": [FAILED],
    "either_order": [ROLLED_BACK],
    "outside": [FAILED],
    "flush_by_hand": [ROLLED_BACK],
    "on_commit": [],
    "post_saved": [ROLLED_BACK],
    "bulk": [],
    "two_databases": [ROLLED_BACK],
    "from_async": [ROLLED_BACK],
    "autocommit_off": [],
}
ON_POSTGRESQL = ["savepoint", "flush_by_hand", "two_databases"]
WITHOUT_OUTBOX = """

import atexit

from bc_events import EventClient
from bc_events.integrations.django import follow_transactions
from bc_events.local import LocalEventsAPI

api = LocalEventsAPI()
api.__enter__()
atexit.register(api.__exit__, None, None, None)
events.configure(follow_transactions(EventClient(api.url, "PolicyService", "topics.yaml")))


def sent():
    return [event.data["id"] for event in api.events()]
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    return tmp_path


def assert_it_ends_as_it_says(name, folder, **environment):
    done = run(folder, f"{name}.py", **environment)
    logged = [line for line in done.stderr.splitlines() if not line.startswith(("Bad Request", "Internal Server"))]
    assert re.findall(r"^1 event of job \S+ dropped: (.+)$", "\n".join(logged), re.MULTILINE) == DROPPED[name]
    assert [line for line in logged if line and " dropped: " not in line and name != "atomic_requests"] == []
    assert ("leave autocommit on" in done.stdout) is (name == "autocommit_off")


def run(folder, *command, **environment):
    environment = {**os.environ, **environment}
    command = [sys.executable, *command]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("name", DROPPED)
def test_with_an_outbox_a_program_ends_as_it_says(name, folder):
    assert_it_ends_as_it_says(name, folder)


@pytest.mark.parametrize("name", ON_POSTGRESQL)
def test_on_postgresql_too(name, folder, postgres):
    with postgres.connect() as connection:
        for database in ("policies", "audit"):
            connection.execute(f"DROP DATABASE IF EXISTS {database}")
            connection.execute(f"CREATE DATABASE {database}")
    assert_it_ends_as_it_says(name, folder, PGHOST=str(postgres.folder))


@pytest.mark.parametrize("name", DROPPED)
def test_without_an_outbox_too(name, folder):
    settings, app = folder / "settings.py", folder / "app.py"
    settings.write_text(settings.read_text(encoding="utf-8").replace('    "OUTBOX": "django",\n', ""), encoding="utf-8")
    app.write_text(app.read_text(encoding="utf-8") + WITHOUT_OUTBOX, encoding="utf-8")
    assert_it_ends_as_it_says(name, folder)


def test_the_test_cases_pass(folder):
    done = run(folder, "-m", "django", "test", "-v0", DJANGO_SETTINGS_MODULE="settings")
    assert "Ran 3 tests" in done.stderr


def test_every_program_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"app", "settings"} == DROPPED.keys()
