"""Rows in which processes end: events that a session's exit has called safe arrive, however the process ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.faults.commands import ROOT, drain
from tests.faults.leaving import PER_PROCESS

if TYPE_CHECKING:
    from tests.faults.result import Result
    from tests.faults.world import World

# How each way ends, as waitpid has it.
_WAYS: Final = {"return": 0, "sigterm": -signal.SIGTERM, "exception": 1, "shutdown": 0}


def from_an_outbox(world: World) -> Result:
    """Stored events are delivered by the relay in the process, or by the next one."""
    file = str(world.folder / "exits.db")
    told = _told(world, file)
    drain(world, file)
    return _judged(world, told, "with an outbox")


def direct(world: World) -> Result:
    """Without an outbox a session has delivered when it ends."""
    return _judged(world, _told(world, ""), "direct")


def _told(world: World, file: str) -> list[str]:
    """The keys of events whose sessions said that they are safe, and `way=code` of each process that has ended."""
    ends = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.leaving", way, str(world.dose.exits), world.api.url, file],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for way in _WAYS
    ]
    return [word for end in ends for word in end.communicate(timeout=300)[0].split()]


def _judged(world: World, told: list[str], name: str) -> Result:
    safe = {word for word in told if "=" not in word}
    exits = [told.count(f"{way}={code}") for way, code in _WAYS.items()]
    result = world.judged(safe)
    result.inject(sum(exits), f"exits, {min(exits)} or more of each kind, {name}", least=len(_WAYS) * world.dose.exits)
    result.demand(min(exits) >= world.dose.exits, "too few exits of one kind")
    result.demand(len(safe) == PER_PROCESS * sum(exits), f"only {len(safe)} events were told to be safe")
    return result
