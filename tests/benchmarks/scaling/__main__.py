"""Prints the tables of the page on scaling: what an event costs, simulated and measured relays, and an outlook.

python -m tests.benchmarks.scaling [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks.flushes import served
from tests.benchmarks.relays import COUNTS, on_postgresql
from tests.benchmarks.relays.__main__ import WIDEST
from tests.benchmarks.relays.ours import seconds_of_relays
from tests.benchmarks.relays.workload import Workload

from .costs import Costs, disk_wait, measure
from .outlook import outlook
from .simulation import World, events_per_second


def world_of(costs: Costs, disk: float) -> World:
    per = costs.per_job
    return World(per, costs.relay * per, costs.database * per, costs.api * per, disk)


JOBS = {1: 1_000, 5: 600, 25: 300, 100: 100}
QUICK_JOBS = {1: 100, 5: 40, 25: 20, 100: 5}


def print_costs(found: list[Costs]) -> None:
    print("| per event, measured | " + " | ".join(f"{one.per_job} per job" for one in found) + " |")
    print("|---|" + "---|" * len(found))
    rows = {
        "requests": lambda one: f"{one.requests:.2f}",
        "statements to publish": lambda one: f"{one.statements_to_publish:.2f}",
        "statements to relay": lambda one: f"{one.statements_to_relay:.3f}",
        "commits of a relay that wait for the disk": lambda one: f"{one.commits_that_wait:.4f}",
        "WAL to publish, bytes": lambda one: f"{one.wal_to_publish:,.0f}",
        "WAL to relay, bytes": lambda one: f"{one.wal_to_relay:,.0f}",
        "WAL as a stream, bytes": lambda one: f"{one.wal_as_stream:,.0f}",
        "dead rows": lambda one: f"{one.dead_rows:.2f}",
        "processor of the relay, µs": lambda one: f"{one.relay * 1e6:,.0f}",
        "processor of the database for the relay, µs": lambda one: f"{one.database * 1e6:,.0f}",
        "processor of the database to publish, µs": lambda one: f"{one.database_to_publish * 1e6:,.0f}",
        "processor of the database as a stream, µs": lambda one: f"{one.database_as_stream * 1e6:,.0f}",
        "processor of the local Events API, µs": lambda one: f"{one.api * 1e6:,.0f}",
    }
    for name, shown in rows.items():
        print(f"| {name} | {' | '.join(map(shown, found))} |")


def print_comparison(found: list[Costs], disk: float, *, jobs: dict[int, int], rounds: int) -> None:
    print("\n| events per job | relays | simulated, events/s | measured, events/s | spread |\n|---|---|---|---|---|")
    with served() as url, on_postgresql() as place:
        for costs in found:
            work = Workload(jobs[costs.per_job], costs.per_job)
            for count in COUNTS:
                simulated = events_per_second(world_of(costs, disk), count)
                taken = [seconds_of_relays(place.store, place.url, url, count, work) for _ in range(rounds)]
                spread = max(taken) / min(taken)
                shown = f"{work.events / statistics.median(taken):,.0f}" if spread <= WIDEST else "withheld"
                print(f"| {costs.per_job} | {count} | {simulated:,.0f} | {shown} | {spread:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few events, to see that it works")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    jobs, rounds = (QUICK_JOBS, 2) if given.quick else (JOBS, given.rounds)
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        disk = disk_wait(Path(folder))
    found = [measure(per_job, count) for per_job, count in jobs.items()]
    print_costs(found)
    print(f"\nThe disk has a page after {disk * 1e3:.1f} ms (measured, median of 40).", flush=True)
    print_comparison(found[:3], disk, jobs=jobs, rounds=rounds)
    print()
    print("\n".join(outlook(found)))


if __name__ == "__main__":
    main()
