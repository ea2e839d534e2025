"""Runs the matrix."""

from __future__ import annotations

import argparse
import random
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from tests.faults.dose import LONG, SHORT
from tests.faults.matrix import ROWS, run
from tests.faults.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--long", action="store_true", help="the whole dose, in place of a short one")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose name has this in it")
    parser.add_argument("--without", default=[], metavar="WORD", action="append", help="no rows whose name has this")
    given = parser.parse_args(arguments)
    chosen = {name: row for name, row in ROWS.items() if given.only.lower() in name.lower()}
    left_out = [name for name in chosen if any(word.lower() in name.lower() for word in given.without)]
    rows = {name: row for name, row in chosen.items() if name not in left_out}
    if not rows:
        parser.error(f"no row is left; there are {', '.join(ROWS)}")
    console = Console(width=None if sys.stdout.isatty() else 190)
    console.print(f"seed {given.seed} (repeat with --seed {given.seed})")
    with World(LONG if given.long else SHORT, given.seed) as world:
        misses = run(rows, world, console)
    if left_out:
        console.print(f"LEFT OUT, as asked: {', '.join(left_out)}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
