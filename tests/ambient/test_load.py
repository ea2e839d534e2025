import os
import subprocess
import sys
from pathlib import Path

from .load.publisher import Publisher
from .load.reconciliation import Arrival, reconcile

_ROOT = Path(__file__).parents[2]


def test_crowds_and_children_lose_double_and_misattribute_nothing():
    """In a process of its own: the children are forked from one whose threads are known.

    It is not measured: coverage has a lock that a child would inherit from a thread that it does not.
    """
    command = [sys.executable, "-m", "tests.ambient.load", "--short"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    ended = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=150)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_tally_tells_what_went_wrong():
    """The load run relies on this: each kind of fault is counted under its own name."""
    publisher = Publisher(7, 4)
    first, second, third, _ = (
        Arrival(publisher.job, publisher.actor, number, f"id-{number}") for number in publisher.numbers
    )
    stray = Arrival("job-8", publisher.actor, third.number, third.event_id)
    found = reconcile([publisher], [second, first, first, stray])
    assert (found.lost, found.doubled, found.misattributed, found.out_of_order) == (1, 1, 1, 1)
    assert not found.is_clean
