"""`python -m tests.mutation SESSION NOTES BUDGET`: makes the changes that cosmic-ray has planned, and tests each.

NOTES is the folder of what `record.py` noted. Each change has a process of its own, forked from this one, which has
loaded all but `bc_events`: that takes half as long as to start Python. It ends with the first test that fails. A test
that takes 12 seconds fails.

A busy machine makes tests fail by themselves. So a test has noticed a change only if it fails twice with the change,
and passes without it. A change with which the package cannot be imported has been noticed, too. `equivalent.py` lists
changes that are not tried, because the code behaves the same with them.
"""

import difflib
import importlib
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cosmic_ray.mutating import _make_diff, use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from .equivalent import EQUIVALENT
from .notes import Notes

LOADED_BEFORE = ("celery", "django.test", "fastapi", "httpx", "hypothesis.strategies", "inline_snapshot", "requests")
OPTIONS = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--timeout", "12", "--tb", "short"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of the plugins that are loaded before


class Chosen:
    """A pytest plugin that runs only these tests, in this order. The file `at` has the one that runs, or has failed."""

    def __init__(self, tests, at):
        self._places = {test: place for place, test in enumerate(tests)}
        self._at = at
        self._has_failed = False

    def pytest_collection_modifyitems(self, items):
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])

    def pytest_runtest_logstart(self, nodeid):
        self._at.write_text(nodeid)

    def pytest_runtest_logreport(self, report):
        self._has_failed |= report.failed

    def pytest_runtest_logfinish(self):
        if not self._has_failed:
            self._at.write_text("")


def first_failure(tests, log, *, timeout=200):
    """The first of them that fails, or that does not end within so many seconds; None if all pass.

    It is "" if the tests cannot even be collected.
    """
    if not tests:
        return None
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder, "at")
        at.touch()
        child = os.fork()
        if not child:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
            files = sorted({test.partition("::")[0] for test in tests})
            os._exit(pytest.main([*OPTIONS, *files], plugins=[Chosen(tests, at)]))
        ends = time.monotonic() + timeout
        while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < ends:
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # with the processes that its tests have left
        if not ended[0]:
            os.waitpid(child, 0)
        elif os.waitstatus_to_exitcode(ended[1]) in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return None
        return at.read_text()


class Trials:
    """`sound` are the tests that have passed without any change."""

    def __init__(self, sound):
        self._sound = set(sound)
        self._unsound = set()

    def tried(self, mutation, turns):
        """The result of a change, and the test that noticed it; None if it survives, or was not tried."""
        operator = get_operator(mutation.operator_name)(**mutation.operator_args)
        with tempfile.TemporaryFile() as log:
            while True:
                turns = [[test for test in tests if test not in self._unsound] for tests in turns]
                with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
                    reason = reason_for(str(mutation.module_path), changed(before, after))
                    test, turns = (None, []) if reason else self._noticing(turns, log)
                if not test or self._is_sound(test):
                    break
            log.seek(0)
            return test, WorkResult(
                worker_outcome=WorkerOutcome.SKIPPED if reason else WorkerOutcome.NORMAL,
                output=reason or log.read().decode(errors="replace")[-3000:],
                test_outcome=TestOutcome.SURVIVED if test is None else TestOutcome.KILLED,
                diff="\n".join(_make_diff(before, after, mutation.module_path)),
            )

    def _noticing(self, turns, log):
        """The first test that fails twice, and the turns that begin with it."""
        left = list(turns)
        while left:
            test = first_failure(left[0], log)
            if test is None:
                left.pop(0)
            elif not test or first_failure([test], log, timeout=60) is not None:
                return test, left
            else:
                left[0] = left[0][left[0].index(test) + 1 :]  # it failed by itself, and those before it have passed
        return None, left

    def _is_sound(self, test):
        if test not in self._sound:
            with tempfile.TemporaryFile() as log:
                (self._unsound if first_failure([test], log) is not None else self._sound).add(test)
        return test in self._sound


def reason_for(path, line):
    """The reason for which a change to this line changes no behaviour; None if it may."""
    return next((reason for part, reason in EQUIVALENT.get(path, {}).items() if part in line), None)


def changed(before, after):
    """The first line that a change has made, without its indentation."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return next((" ".join(line[2:].split()) for line in lines if line.startswith("+ ")), "")


def require_all_pass(tests):
    """Otherwise a test that fails by itself would be taken for one that notices a change."""
    with tempfile.TemporaryFile() as log:
        if first_failure(tests, log, timeout=900) is not None:
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
    nearest = sorted({test for first, _ in turns.values() for test in first})
    require_all_pass(nearest)
    trials, killed, skipped = Trials(nearest), 0, 0
    for job, mutation in planned.items():
        began = time.monotonic()
        test, result = trials.tried(mutation, turns[job])
        database.set_result(job, result)
        killed += result.test_outcome is TestOutcome.KILLED
        skipped += result.worker_outcome is WorkerOutcome.SKIPPED
        spent = time.monotonic() - began
        place = f"{mutation.module_path}:{mutation.start_pos[0]}"
        outcome = "same" if result.worker_outcome is WorkerOutcome.SKIPPED else result.test_outcome.value
        told = result.output if outcome == "same" else "" if test is None else test or "when it is imported"
        print(f"{outcome:9}{spent:4.0f} s  {place}  {mutation.operator_name}  {told}", flush=True)
        if outcome == "survived":
            print(result.diff, flush=True)
    print(f"{killed} of {len(planned) - skipped} changes were noticed; {skipped} more change no behaviour", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
