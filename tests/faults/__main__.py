"""Runs the matrix."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from rich.console import Console
from rich.table import Table

from tests.faults import answers, databases, exits, kills, loop, servers
from tests.faults.dose import LONG, SHORT
from tests.faults.result import HEADINGS, Result
from tests.faults.world import World

ROWS = {
    "relay killed": kills.relay_killed,
    "producer killed": kills.producer_killed,
    "PostgreSQL killed": kills.database_killed,
    "rolled back": answers.rolled_back,
    "records failing": answers.records_failing,
    "answers lost": answers.answers_lost,
    "outages": answers.outages,
    "relay stopped": kills.relay_stopped,
    "poison and 413": answers.poison,
    "gunicorn": servers.gunicorn,
    "uWSGI": servers.uwsgi,
    "Celery": servers.celery,
    "multiprocessing": servers.multiprocessing,
    "exits, outbox": exits.from_an_outbox,
    "exits, direct": exits.direct,
    "disk full": databases.full,
    "database locked": databases.locked,
    "database gone": databases.gone,
    "API down, asyncio": loop.api_down,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--long", action="store_true", help="the whole dose, in place of a short one")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(f"seed {given.seed} (repeat with --seed {given.seed})")
    table = Table(*HEADINGS)
    misses = 0
    with World(LONG if given.long else SHORT, given.seed) as world:
        for name, row in ROWS.items():
            if given.only not in name:
                continue
            started = time.monotonic()
            result = _run(world, name, row)
            misses += bool(result.misses)
            table.add_row(*result.cells(name))
            console.print(f"{name}: {result.cells(name)[-1]} ({time.monotonic() - started:.0f} s)")
    console.print(table)
    return 1 if misses else 0


def _run(world: World, name: str, row) -> Result:
    world.begin(name)
    try:
        return row(world)
    except Exception:
        traceback.print_exc()
        return Result(misses=["it broke off; see above"])


if __name__ == "__main__":
    sys.exit(main())
