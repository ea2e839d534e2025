"""Programs that need an interpreter to themselves: its end with a scope open, its collector, patched greenlets."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bc_events.local import LocalEventsAPI

from .recording import TOPICS

_ROOT = Path(__file__).parents[2]
_FAILED = re.compile(r"WARNING \d+ events? of job \S+ dropped: the scope ended with \w+").fullmatch
_NEVER_LEFT = re.compile(r"WARNING 1 event of job \S+ lost: the scope was entered and never left.*").fullmatch


def ended(program, *arguments):
    """Runs a program to its end. Returns the JSON that it printed, and the lines that it logged."""
    command = [sys.executable, "-m", f"tests.ambient.programs.{program}", *arguments]
    process = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    return [json.loads(line) for line in process.stdout.splitlines()], process.stderr.splitlines()


@pytest.mark.parametrize(
    ("way", "arrived"),
    [
        ("block_in_a_thread_that_outlives_the_main_one", [[1, 2]]),
        ("async_block_in_a_thread_that_outlives_the_main_one", [[1, 2]]),
        ("block_at_exit", [[1]]),
        ("async_block_at_exit", [[1]]),
    ],
)
def test_rule_09_a_scope_that_is_left_while_the_interpreter_ends_delivers(way, arrived):
    assert ended("leaving", way) == (arrived, [])


def test_rule_09_a_scope_that_a_program_never_left_warns_at_its_end():
    arrived, (warning,) = ended("leaving", "scope_never_left")
    assert arrived == []
    assert _NEVER_LEFT(warning)


@pytest.mark.parametrize(
    "way",
    ["block_in_a_daemon_thread", "generator_held_by_a_module", "async_generator_of_a_loop_that_is_never_closed"],
)
def test_rule_09_what_holds_a_scope_open_beyond_the_end_keeps_no_program_from_ending(way):
    """Nothing runs there any more that could send or warn."""
    assert ended("leaving", way) == ([], [])


@pytest.mark.parametrize("way", ["exit_in_a_block", "exit_in_a_coroutine"])
def test_rule_10_a_program_that_exits_in_a_scope_drops_its_events_with_a_warning(way):
    arrived, (warning,) = ended("leaving", way)
    assert arrived == []
    assert "commit_on=(SystemExit,)" in warning


@pytest.mark.parametrize("way", ["async_generator_abandoned_in_a_running_loop", "async_generator_held_by_a_module"])
def test_rule_10_an_async_generator_that_its_loop_closes_at_the_end_drops_its_events_with_a_warning(way):
    arrived, (warning,) = ended("leaving", way)
    assert arrived == []
    assert _FAILED(warning)


def test_rule_10_a_generator_that_is_collected_while_its_thread_holds_the_lock_of_the_session_drops_its_own_alone():
    """With a lock that is not reentrant, the program would not end."""
    results, logged = ended("collecting")
    assert results == [
        ["flush", [1], [2]],
        ["roll_back", [4], [2, 1, 3]],
        ["join", [1, 3], [2]],
        ["fail_in_a_joined_scope", [1], [2, 3]],
        ["look", [1], [2]],
        ["end", [1], [2]],
    ]
    assert all(_FAILED(f"WARNING {line}") for line in logged)
    assert logged


def test_rule_22_greenlets_of_a_monkey_patched_program_keep_to_their_sessions():
    """Each greenlet has a session of its own, unless it is bound to one. Flushes over HTTP take turns."""
    with LocalEventsAPI(topics=TOPICS) as api:
        (greenlets,), logged = ended("patched", api.url)
        received = [(event.job_id, event.data["n"]) for event in api.events()]
    own = Counter({(f"job-{n}", n): 2 for n in range(3 * greenlets)})
    assert logged == []
    assert Counter(received) == own + Counter(("shared", n) for n in range(30))
