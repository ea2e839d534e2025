"""`python -m tests.mutation SESSION NOTES BUDGET`: makes the changes that cosmic-ray has planned, and tests each.

NOTES is the folder of what `record.py` noted. Each change has a process of its own, forked from this one, which has
loaded all but `bc_events`: that takes half as long as to start Python. It ends with the first test that fails. A test
that takes 12 seconds fails.
"""

import importlib
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress

import pytest
from cosmic_ray.mutating import _make_diff, use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from .notes import Notes

LOADED_BEFORE = ("celery", "django.test", "fastapi", "httpx", "hypothesis.strategies", "inline_snapshot", "requests")
OPTIONS = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--timeout", "12", "--tb", "short"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of the plugins that are loaded before


class Chosen:
    """A pytest plugin that runs only these tests, in this order."""

    def __init__(self, tests):
        self._places = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items):
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])


def passes(tests, log, *, timeout=200):
    """Whether all of them pass, in a process of their own that lasts for at most so many seconds."""
    if not tests:
        return True
    child = os.fork()
    if not child:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
        files = sorted({test.partition("::")[0] for test in tests})
        os._exit(pytest.main([*OPTIONS, *files], plugins=[Chosen(tests)]))
    ends = time.monotonic() + timeout
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < ends:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # with the processes that its tests have left
    if not ended[0]:
        os.waitpid(child, 0)
        return False
    return os.waitstatus_to_exitcode(ended[1]) in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def tried(mutation, turns):
    """The result of a change: a test notices it, or it survives."""
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    with (
        use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after),
        tempfile.TemporaryFile() as log,
    ):
        survives = all(passes(tests, log) for tests in turns)
        log.seek(0)
        return WorkResult(
            worker_outcome=WorkerOutcome.NORMAL,
            output=log.read().decode(errors="replace")[-3000:],
            test_outcome=TestOutcome.SURVIVED if survives else TestOutcome.KILLED,
            diff="\n".join(_make_diff(before, after, mutation.module_path)),
        )


def require_all_pass(tests):
    """Otherwise a test that fails by itself would be taken for one that notices a change."""
    with tempfile.TemporaryFile() as log:
        if not passes(tests, log, timeout=900):
            log.seek(0)
            sys.exit(f"without any change, a test fails:\n{log.read().decode(errors='replace')[-5000:]}")


def main(session, folder, budget):
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the change is undone on the way
    for module in LOADED_BEFORE:
        importlib.import_module(module)
    notes, database = Notes(folder), WorkDB(session, WorkDB.Mode.open)
    planned = {item.job_id: item.mutations[0] for item in database.pending_work_items}
    turns = {job: notes.turns(str(one.module_path), one.start_pos[0], float(budget)) for job, one in planned.items()}
    require_all_pass(sorted({test for first, _ in turns.values() for test in first}))
    killed = 0
    for job, mutation in planned.items():
        began = time.monotonic()
        result = tried(mutation, turns[job])
        database.set_result(job, result)
        killed += result.test_outcome is TestOutcome.KILLED
        spent = time.monotonic() - began
        place = f"{mutation.module_path}:{mutation.start_pos[0]}"
        print(f"{result.test_outcome.value:9}{spent:4.0f} s  {place}  {mutation.operator_name}", flush=True)
        if result.test_outcome is TestOutcome.SURVIVED:
            print(result.diff, flush=True)
    print(f"{killed} of {len(planned)} changes were noticed")


if __name__ == "__main__":
    main(*sys.argv[1:])
