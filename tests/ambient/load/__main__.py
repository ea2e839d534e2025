"""Runs every crowd and every kind of child, and prints a row for each; exit code 1 where one went astray.

python -m tests.ambient.load [--short]
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
from functools import partial

from .children import forked, pooled, process_forked, process_spawned
from .crowds import in_memory, over_http

_LONGEST = 300
"""Seconds after which a run counts as hanging: every thread's traceback is printed, and the exit code is 1."""

_FULL = {
    "10,000 tasks and 64 threads, 50 events each, in memory": partial(in_memory, 10_000, 64, 50),
    "500 tasks, 50 events each, over HTTP": partial(over_http, 500, 50),
    "1,000 os.fork": partial(forked, 1_000),
    "40 multiprocessing fork": partial(process_forked, 40),
    "20 multiprocessing spawn": partial(process_spawned, 20),
    "20 process-pool tasks": partial(pooled, 20),
}
_SHORT = {
    "200 tasks and 16 threads, 10 events each, in memory": partial(in_memory, 200, 16, 10),
    "20 tasks, 10 events each, over HTTP": partial(over_http, 20, 10),
    "12 os.fork": partial(forked, 12),
    "4 multiprocessing fork": partial(process_forked, 4),
    "1 multiprocessing spawn": partial(process_spawned, 1),
    "4 process-pool tasks": partial(pooled, 4),
}
_COLUMNS = ("published", "arrived", "lost", "doubled", "misattributed", "out_of_order", "troubled")


def _has_passed(name, run) -> bool:
    began = time.monotonic()
    faulthandler.dump_traceback_later(_LONGEST, exit=True)
    found = run()
    faulthandler.cancel_dump_traceback_later()
    figures = " | ".join(f"{getattr(found, column):>{len(column)},}" for column in _COLUMNS)
    print(f"| {name:<54} | {figures} | {time.monotonic() - began:>5.1f} |", flush=True)
    return found.is_clean


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ambient.load", description=__doc__.partition(";")[0])
    parser.add_argument("--short", action="store_true", help="small doses, a few seconds in all")
    runs = _SHORT if parser.parse_args().short else _FULL
    print(f"| {'run':<54} | {' | '.join(_COLUMNS)} |     s |\n|{'-' * 56}|", end="")
    print("|".join("-" * (len(column) + 2) for column in _COLUMNS) + "|-------|", flush=True)
    passed = [_has_passed(name, run) for name, run in runs.items()]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
