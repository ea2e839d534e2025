"""Rows in which processes end: what a session's exit has said holds, however its process leaves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.faults.servers import ROOT, drain

if TYPE_CHECKING:
    from tests.faults.result import Result
    from tests.faults.world import World

_WAYS = ("return", "sigterm", "exception", "shutdown")


def from_an_outbox(world: World) -> Result:
    """What was stored is delivered by the relay in the process, or by the next one."""
    file = str(world.folder / "exits.db")
    told = _told(world, file)
    drain(world, file)
    return _judged(world, told, "with an outbox")


def direct(world: World) -> Result:
    """Without an outbox a session has delivered when it ends."""
    return _judged(world, _told(world, ""), "direct")


def _told(world: World, file: str) -> set[str]:
    """The keys of events whose sessions said that they are safe."""
    ends = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.leaving", way, str(world.dose.exits), world.api.url, file],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for way in _WAYS
    ]
    return {key for end in ends for key in end.communicate(timeout=300)[0].split()}


def _judged(world: World, told: set[str], name: str) -> Result:
    result = world.judged(told)
    result.faults = f"{world.dose.exits} exits of each kind, {name}"
    result.demand(len(told) == 5 * len(_WAYS) * world.dose.exits, f"only {len(told)} events were told to be safe")
    return result
