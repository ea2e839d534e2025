"""Carries the measured costs on to 100,000 events a second. Each table says what is assumed, and what calculated."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .costs import Costs
from .simulation import World, events_per_second

JOBS = 1_000
EVENTS = 100_000
LATENCY = 0.05
DISK = 0.001
CORES = 16
SHARE = 0.25
WAL = 100e6
API_REQUESTS = 2_000
_YEAR = 365 * 86_400
_TABLE = 1.0e12


def outlook(found: list[Costs]) -> Iterator[str]:
    """Lines of two tables. The last of the costs are those of 100 events per job, which 1,000 jobs/s make here."""
    yield "| assumed | value |"
    yield "|---|---|"
    yield f"| response of the Events API | {LATENCY * 1e3:.0f} ms |"
    yield f"| requests that the Events API takes | {API_REQUESTS:,} a second |"
    yield f"| processors of a database server, and the share that an outbox may have | {CORES}, {SHARE:.0%} |"
    yield f"| WAL that a database server writes | {WAL / 1e6:.0f} MB/s |"
    yield f"| wait for its disk | {DISK * 1e3:.0f} ms |"
    yield f"| longest partition of the archive that is easy to handle | {_TABLE / 1e12:.0f} TB |"
    yield ""
    yield "| calculated, for 100,000 events/s | " + " | ".join(f"{one.per_job} per job" for one in found) + " |"
    yield "|---|" + "---|" * len(found)
    for name, shown in _ROWS.items():
        yield f"| {name} | {' | '.join(map(shown, found))} |"


def _one_worker(costs: Costs) -> float:
    per = costs.per_job
    world = World(per, costs.relay * per, costs.database * per, 0.0, DISK, latency=LATENCY, cores=CORES)
    return events_per_second(world, 1)


def _requests(costs: Costs) -> float:
    return EVENTS * costs.requests


def _workers(costs: Costs) -> float:
    return EVENTS / _one_worker(costs)


def _cores(costs: Costs) -> float:
    return EVENTS * (costs.database + costs.database_to_publish)


def _wal(costs: Costs) -> float:
    return EVENTS * (costs.wal_to_publish + costs.wal_to_relay)


def _databases(costs: Costs) -> int:
    return math.ceil(max(_cores(costs) / (CORES * SHARE), _wal(costs) / WAL))


def _limits(costs: Costs) -> dict[str, float]:
    """Events a second at which the API, or one database, is full. Relays can be added."""
    return {
        "the Events API": API_REQUESTS / costs.requests,
        "the database's processors": CORES * SHARE / (costs.database + costs.database_to_publish),
        "the database's WAL": WAL / (costs.wal_to_publish + costs.wal_to_relay),
    }


def _full(costs: Costs) -> float:
    limits = _limits(costs)
    return min(limits["the database's processors"], limits["the database's WAL"])


def _full_as_stream(costs: Costs) -> float:
    return min(CORES * SHARE / costs.database_as_stream, WAL / costs.wal_as_stream)


def _first(costs: Costs) -> str:
    limits = _limits(costs)
    first = min(limits, key=lambda name: limits[name])
    return f"{first}, at {limits[first]:,.0f} events/s"


def _archive(costs: Costs) -> float:
    """Bytes a year. A kept event is about what publishing it writes to the WAL, without the index of jobs."""
    return EVENTS * _YEAR * costs.wal_to_publish * 0.8


_ROWS = {
    "requests/s": lambda one: f"{_requests(one):,.0f}",
    "workers of relays": lambda one: f"{math.ceil(_workers(one)):,}",
    "events/s of a relay process with a processor to itself": lambda one: f"{1 / one.relay:,.0f}",
    "relay processes, one processor each": lambda one: f"{math.ceil(EVENTS * one.relay):,}",
    "processors of databases": lambda one: f"{_cores(one):,.1f}",
    "WAL, MB/s": lambda one: f"{_wal(one) / 1e6:,.0f}",
    "databases": lambda one: f"{_databases(one):,}",
    "limit that is met first": _first,
    "events/s at which one database is full": lambda one: f"{_full(one):,.0f}",
    "the same as a stream": lambda one: f"{_full_as_stream(one):,.0f}",
    "processors of databases as a stream": lambda one: f"{EVENTS * one.database_as_stream:,.1f}",
    "WAL as a stream, MB/s": lambda one: f"{EVENTS * one.wal_as_stream / 1e6:,.0f}",
    "a year of archive, TB": lambda one: f"{_archive(one) / 1e12:,.0f}",
    "its partitions of 1 TB": lambda one: f"{math.ceil(_archive(one) / _TABLE):,}",
}
