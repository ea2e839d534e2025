"""The programs on the page about SQLAlchemy's transactions end as they say, on SQLite and PostgreSQL.

Each asserts itself which events were stored. What it logs is asserted here.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import DOCS

EXAMPLES = DOCS / "examples/sqlalchemy"
ROLLED_BACK = "the database transaction was rolled back"
CLOSED = "the database session was closed without a commit; commit, or publish once the work is committed"
FAILED = "the scope ended with LookupError"
DROPPED = {
    "commit": [],
    "rollback": [ROLLED_BACK, ROLLED_BACK, CLOSED],
    "savepoint": [ROLLED_BACK],
    "caught": [FAILED, FAILED],
    "failing_block": [FAILED],
    "either_order": [ROLLED_BACK],
    "read_before": [ROLLED_BACK],
    "outside": [],
    "too_early": [ROLLED_BACK, ROLLED_BACK],
    "only_reads": [],
    "flush_by_hand": [ROLLED_BACK],
    "generated_id": [],
    "mapper_event": [ROLLED_BACK],
    "two_sessions": [ROLLED_BACK],
    "whose_session": [ROLLED_BACK, ROLLED_BACK],
    "with_sqlmodel": [CLOSED],
    "scoped": [CLOSED],
    "with_flask_sqlalchemy": [ROLLED_BACK],
    "without_session": [ROLLED_BACK, ROLLED_BACK],
    "with_asyncio": [ROLLED_BACK],
    "sqlite_savepoint": [ROLLED_BACK],
}
NOT_ON_SQLITE = {"read_before", "two_sessions"}
"""It has one writer at a time, and none while another transaction reads."""
ON_POSTGRESQL = ["commit", "read_before", "rollback", "savepoint", "two_sessions", "with_asyncio", "without_session"]
RUNS = [
    *((name, "sqlite") for name in DROPPED if name not in NOT_ON_SQLITE),
    *((name, "postgresql") for name in ON_POSTGRESQL),
]
_numbers = itertools.count()


@pytest.fixture
def url(request):
    if request.param == "sqlite":
        return None
    postgres = request.getfixturevalue("postgres")
    name = f"example_{next(_numbers)}"
    postgres.create_database(name)
    return postgres.url(name)


@pytest.mark.parametrize(("name", "url"), RUNS, indirect=["url"])
def test_a_program_ends_as_it_says(name, url, tmp_path):
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    environment = {**os.environ, **({} if url is None else {"DATABASE_URL": url})}
    run = [sys.executable, f"{name}.py"]
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    logged = done.stderr.splitlines()
    assert re.findall(r"^1 event of job \S+ dropped: (.+)$", done.stderr, re.MULTILINE) == DROPPED[name]
    others = [line for line in logged if " dropped: " not in line]
    assert ["outbox.bind(session)" in line for line in others] == ([True] if name == "two_sessions" else [])


def test_every_program_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"app"} == DROPPED.keys()
