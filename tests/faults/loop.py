"""The row of an asyncio service whose API is down: the loop is never held up, and memory does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from bc_events.local import LocalEventsAPI
from tests.faults.servers import ROOT, drain, free_port

if TYPE_CHECKING:
    from tests.faults.result import Result
    from tests.faults.world import World

_MOST_STALL = 10.0
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
    result.faults = (
        f"API down {world.dose.loop_seconds:g} s; p99 stall {found['p99']:.1f} ms "
        f"(idle {found['idle']:.1f}), memory {found['grown']:+.1f} MB"
    )
    result.demand(found["p99"] <= _MOST_STALL, f"p99 loop stall {found['p99']:.1f} ms")
    result.demand(found["grown"] <= _MOST_GROWTH, f"memory grew by {found['grown']:.1f} MB")
    return result
