"""Events per second and latency of 1, 2 and 4 relays, beside the same requests ready-made and beside other libraries.

python -m tests.benchmarks.relays [--quick] [--json] [--rounds 5] [--only PostgreSQL]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from tests.benchmarks.flushes import served

from . import COUNTS, Place, databases
from .ours import latencies, seconds_of_ready_made, seconds_of_relays
from .peers import NAMES, seconds_of_django_outbox_pattern, seconds_of_procrastinate
from .workload import Workload

WIDEST = 1.25
"""The longest round divided by the shortest, above which a row is withheld."""
JOBS = {1: 1_500, 5: 800, 25: 400}
QUICK_JOBS = {1: 40, 5: 20, 25: 10}
_INSTALLED = {"procrastinate": "procrastinate", "django-outbox-pattern": "django_outbox_pattern"}


@dataclass(frozen=True)
class Measured:
    """One row: how many events so many processes deliver in a second, by the median of the rounds."""

    database: str
    order: str
    per_job: int
    contender: str
    processes: int
    events_per_second: float
    spread: float
    ratio: float | None = None
    """To the same requests ready-made; None where their spread is too wide."""
    p50: float | None = None
    p99: float | None = None
    """Seconds from the commit to the response."""

    @property
    def is_withheld(self) -> bool:
        return self.spread > WIDEST


def measured(place: Place, url: str, order: str, count: int, work: Workload, rounds: int) -> Iterator[Measured]:
    """Takes turns, so that a busy machine slows all contenders alike."""
    contenders: dict[str, Callable[[], float]] = {
        "ready-made": lambda: seconds_of_ready_made(url, count, work),
        "relays": lambda: seconds_of_relays(place.store, place.url, url, count, work),
    }
    if place.name == "PostgreSQL" and order == "time":
        peers = zip(NAMES, (seconds_of_procrastinate, seconds_of_django_outbox_pattern), strict=True)
        for name, seconds in peers:
            if find_spec(_INSTALLED[name]) is not None:
                contenders[name] = lambda seconds=seconds: seconds(place.url, url, count, work)
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            taken[name].append(contender())
    ready = statistics.median(taken["ready-made"])
    is_ready_sound = max(taken["ready-made"]) / min(taken["ready-made"]) <= WIDEST
    few = Workload(min(work.jobs, 100), work.per_job, order)
    found = latencies(place.store, place.url, url, count, few, 0.02)
    for name, seconds in taken.items():
        own = found if name == "relays" else []
        yield Measured(
            *(place.name, order, work.per_job, name, count, work.events / statistics.median(seconds)),
            spread=max(seconds) / min(seconds),
            ratio=ready / statistics.median(seconds) if name != "ready-made" and is_ready_sound else None,
            p50=_quantile(own, 0.5),
            p99=_quantile(own, 0.99),
        )


def _quantile(found: list[float], share: float) -> float | None:
    return found[min(len(found) - 1, int(share * len(found)))] if found else None


def line_of(row: Measured) -> str:
    head = f"| {row.database} | {row.order} | {row.per_job} | {row.contender} | {row.processes} |"
    if row.is_withheld:
        return f"{head} withheld | {row.spread:.2f} | | | |"
    cells = [
        f"{row.events_per_second:,.0f}",
        f"{row.spread:.2f}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        *("" if one is None else f"{1_000 * one:.0f} ms" for one in (row.p50, row.p99)),
    ]
    return f"{head} {' | '.join(cells)} |"


HEAD = """| database | order | events per job | by | processes | events/s | spread | to ready-made | p50 | p99 |
|---|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few events, to see that it works")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each row, those withheld included")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", metavar="WORD", help="part of a database's name")
    parser.add_argument("--per-job", type=int, nargs="*", default=[1, 5, 25], help="events per job")
    given = parser.parse_args()
    rounds, counts = (2, COUNTS[:2]) if given.quick else (given.rounds, COUNTS)
    jobs = QUICK_JOBS if given.quick else JOBS
    if not given.json:
        print(f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, {rounds} rounds\n")
        print(HEAD)
    with served() as url, databases() as places:
        for place in places:
            if given.only not in place.name:
                continue
            for order in ("time", "job"):
                for per_job in given.per_job:
                    for count in counts:
                        work = Workload(max(jobs[per_job] // (per_job if order == "job" else 1), 4), per_job, order)
                        for row in measured(place, url, order, count, work, rounds):
                            print(json.dumps(asdict(row)) if given.json else line_of(row), flush=True)


if __name__ == "__main__":
    main()
