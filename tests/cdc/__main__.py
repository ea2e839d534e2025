"""Runs change data capture on each database."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.cdc.missing import missing

_LACKING = 3
"""The exit code where something is missing, so that nothing was run."""


def main() -> int:
    """The exit code: 0 where all held, 1 where something did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.cdc")
    parser.add_argument("--long", action="store_true", help="the whole dose, in place of a short one")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", choices=["postgresql", "mariadb"], help="one database")
    given = parser.parse_args()
    databases = [given.only] if given.only else ["postgresql", "mariadb"]
    lacking = missing(databases)
    if lacking:
        print("CHANGE DATA CAPTURE WAS NOT RUN", *lacking, sep="\n  ", file=sys.stderr)
        return _LACKING

    from tests.cdc.run import LONG, SHORT, CaptureRun

    print(f"seed {given.seed} (repeat with --seed {given.seed})")
    misses = []
    for name in databases:
        started = time.monotonic()
        with CaptureRun(name, LONG if given.long else SHORT, given.seed) as run:
            outcome = run.outcome()
        print(f"\n{name}, {time.monotonic() - started:.0f} s: {'MISS' if outcome.misses else 'held'}")
        for fact, count in outcome.facts.items():
            print(f"  {count:7,} {fact}")
        misses += [f"{name}: {miss}" for miss in outcome.misses]
    print(*[f"\nMISS {miss}" for miss in misses], sep="")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
