"""The rows of the matrix, and how they are run."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.table import Table

from tests.faults import answers, databases, exits, garbled, kills, loop, servers, snapshots
from tests.faults.result import HEADINGS, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from tests.faults.world import World

Row = Callable[["World"], Result]
ROWS: Mapping[str, Row] = {
    "relay killed": kills.relay_killed,
    "relay killed, in order": kills.relay_killed_in_order,
    "producer killed": kills.producer_killed,
    "PostgreSQL killed": kills.database_killed,
    "relay killed, MariaDB": kills.on_mariadb(kills.relay_killed),
    "relay killed, in order, MariaDB": kills.on_mariadb(kills.relay_killed_in_order),
    "producer killed, MariaDB": kills.on_mariadb(kills.producer_killed),
    "MariaDB killed": kills.on_mariadb(kills.database_killed),
    "held snapshot": snapshots.held_snapshot,
    "held snapshot, in order": snapshots.held_snapshot_in_order,
    "held snapshot, MariaDB": kills.on_mariadb(snapshots.held_snapshot),
    "rolled back": answers.rolled_back,
    "records failing": answers.records_failing,
    "answers lost": answers.answers_lost,
    "answers garbled": garbled.answers_garbled,
    "outages": answers.outages,
    "relay stopped": kills.relay_stopped,
    "poison and 413": answers.poison,
    "gunicorn": servers.gunicorn,
    "uWSGI": servers.uwsgi,
    "uWSGI, no threads": servers.uwsgi_without_threads,
    "Celery": servers.celery,
    "multiprocessing": servers.multiprocessing,
    "exits, outbox": exits.from_an_outbox,
    "exits, direct": exits.direct,
    "disk full": databases.full,
    "database locked": databases.locked,
    "database gone": databases.gone,
    "API down, asyncio": loop.api_down,
}


def run(rows: Mapping[str, Row], world: World, console: Console) -> int:
    """Prints what became of each row; returns how many missed."""
    table = Table(*HEADINGS)
    misses = 0
    for name, row in rows.items():
        started = time.monotonic()
        result = _result(world, name, row)
        misses += bool(result.misses)
        table.add_row(*result.cells(name))
        console.print(f"{name}: {result.cells(name)[-1]} ({time.monotonic() - started:.0f} s)")
    console.print(table)
    return misses


def _result(world: World, name: str, row: Row) -> Result:
    try:
        world.begin(name)
        return row(world)
    except Exception as error:
        traceback.print_exc()
        result = Result()
        result.demand(False, f"it broke off: {type(error).__name__}")
        return result
