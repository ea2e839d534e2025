"""Runs the matrix."""

from __future__ import annotations

import argparse
import random
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from tests.faults.dose import LONG, SHORT, Dose
from tests.faults.matrix import ROWS, Row, run
from tests.faults.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def main(
    arguments: Sequence[str] | None = None,
    matrix: Mapping[str, Row] = ROWS,
    world_of: Callable[[Dose, int], World] = World,
) -> int:
    """The exit code: 1 where any row missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--long", action="store_true", help="the whole dose, in place of a short one")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose name has this in it")
    parser.add_argument("--without", default=[], metavar="WORD", action="append", help="no rows whose name has this")
    given = parser.parse_args(arguments)
    chosen = {name: row for name, row in matrix.items() if given.only.lower() in name.lower()}
    left_out = [name for name in chosen if any(word.lower() in name.lower() for word in given.without)]
    rows = {name: row for name, row in chosen.items() if name not in left_out}
    if not rows:
        parser.error(f"no row is left; there are {', '.join(matrix)}")
    console = Console(width=None if sys.stdout.isatty() else 190, markup=False)
    console.print(f"seed {given.seed} (repeat with --seed {given.seed})")
    with world_of(LONG if given.long else SHORT, given.seed) as world:
        misses = run(rows, world, console)
    if left_out:
        console.print(f"LEFT OUT, as asked: {', '.join(left_out)}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
