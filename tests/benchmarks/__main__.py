"""Prints what the library costs, each figure a ratio to something measured in the same run.

python -m tests.benchmarks
"""

from __future__ import annotations

import os
import platform

from bc_events._config.following import REPORTS

from .calls import locked_call, magic_call
from .flushes import flush
from .imports import imports
from .outbox import session_exit
from .relays import order_violations, relays
from .scopes import empty_scopes


def main() -> None:
    os.environ[REPORTS] = "off"  # a client in production reports to no local Events API
    print(f"CPython {platform.python_version()}, {platform.machine()}")
    scopes = empty_scopes()
    loaded = imports()
    relayed = {per_job: relays(1_000, per_job) for per_job in (5, 25)}
    rows = [
        ("one magic call / check + serialise + look up the session", magic_call(), "at most 2.0"),
        ("the same call with a lock / with the seal in its place", locked_call(), "at least 1.05"),
        ("empty `with events.session()` / empty OpenTelemetry SDK span", scopes["with"], "at most 0.25"),
        ("empty decorated call / empty OpenTelemetry SDK span", scopes["decorated"], "at most 0.25"),
        ("flush of 250: throughput / the same bytes ready-made", flush(250, rounds=60), "at least 0.90"),
        ("flush of 5,000: throughput / the same bytes ready-made", flush(5_000, rounds=12), "at least 0.85"),
        ("session exit, outbox in a file / the raw transaction", session_exit(), "at most 1.5"),
        *(
            (f"relays, {count} of them, {per_job} events a request: throughput / ready-made", ratio, "at least 0.6")
            for per_job, ratios in relayed.items()
            for count, ratio in ratios.items()
        ),
        ('4 relays, order="job": events of a job that overtook another', order_violations(), "0"),
        ("`import bc_events` / bare interpreter", loaded["bc_events"], ""),
        ("`import bc_events.events` / bare interpreter", loaded["bc_events.events"], ""),
    ]
    print(f"\n| what | ratio | aim |\n|{'-' * 66}|-------|---------------|")
    for what, ratio, aim in rows:
        print(f"| {what:<64} | {ratio:>5.2f} | {aim:<13} |")


if __name__ == "__main__":
    main()
