"""The row of an asyncio service whose API is down: the loop is never held up, and memory does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from bc_events.local import LocalEventsAPI
from tests.faults.commands import ROOT, drain
from tests.faults.servers import free_port

if TYPE_CHECKING:
    from tests.faults.result import Result
    from tests.faults.world import World

_MOST_STALL = 10.0
_QUIET = 2.0
_MOST_GROWTH = 20.0


def api_down(world: World) -> Result:
    """Nothing listens where the API should be; once it does, everything arrives."""
    port, file = free_port(), str(world.folder / "loop.db")
    command = [sys.executable, "-m", "tests.faults.loop_service", f"http://127.0.0.1:{port}", file]
    run = subprocess.run(
        [*command, str(world.dose.loop_seconds)], cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=300
    )
    found = json.loads(run.stdout)
    with LocalEventsAPI(port=port) as back:
        down, world.api = world.api, back
        try:
            drain(world, file)
            result = world.judged(set(found["keys"]))
        finally:
            world.api = down
    stall, idle, grown = found["stall"], found["idle"], found["grown"]
    measured = f"p99 stall {stall:.1f} ms (of an idle loop {idle:.1f}), memory {grown:+.1f} MB"
    result.inject(round(world.dose.loop_seconds), f"s without the API; {measured}", least=1)
    result.demand(result.sent >= 50 * world.dose.loop_seconds, "too little load to tell")
    # Where an idle loop stalls for milliseconds too, that part is the machine's.
    result.demand(stall - max(0.0, idle - _QUIET) <= _MOST_STALL, f"p99 loop stall {stall:.1f} ms")
    result.demand(grown <= _MOST_GROWTH, f"memory grew by {grown:.1f} MB")
    return result
