"""Counts the machine instructions of a publish call and of sessions, and compares them with the stored figures.

python -m tests.benchmarks.instructions [--renew]

Instructions do not depend on how busy the machine is, so this may decide in CI where a time may not. They do depend on
the build of Python and on the compiled packages, so each combination of these has figures of its own. They also depend
a little on hashes and addresses, and so on the folder of the checkout: where two keys of a much-used dict collide, a
session costs up to 3.5% more. The least count of several hash seeds is one without such a collision. valgrind counts.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path

STORED = Path(__file__).with_suffix(".json")
TOLERANCE = 0.03
SEEDS = ("0", "1", "2")
RENEW = "python -m tests.benchmarks.instructions --renew"
COMPILED = ("jsonschema-rs", "opentelemetry-api", "orjson", "uuid-utils")
# Two run lengths each: their difference has neither the start of the process nor the first, slower rounds.
LENGTHS = {"publish": (1_000, 3_000), "empty session": (500, 1_500), "joined session": (500, 1_500)}
ROOT = Path(__file__).parents[2]

_WORK = """
import gc, sys
from tests.benchmarks.instructions_work import WORK
gc.disable()
WORK[sys.argv[1]](int(sys.argv[2]))
"""
_TOTAL = re.compile(r"I\s+refs:\s+([\d,]+)")


def count(work: str) -> int:
    """The instructions of one round of some work: the least of all `SEEDS`."""
    short, long = LENGTHS[work]
    _total(work, 1, SEEDS[0])  # compiles the modules, which the later runs then find compiled
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shorts, longs = (pool.map(partial(_total, work, rounds), SEEDS) for rounds in (short, long))
        return min(round((more - fewer) / (long - short)) for fewer, more in zip(shorts, longs, strict=True))


def _total(work: str, rounds: int, seed: str) -> int:
    """Those of a whole process. Its environment is always the same, because hashes and sizes change the count."""
    environment = {"PATH": os.defpath, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}"]
    process = subprocess.run(
        [*valgrind, sys.executable, "-c", _WORK, work, str(rounds)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    found = _TOTAL.search(process.stderr)
    if process.returncode or found is None:
        raise SystemExit(f"valgrind could not count {work}:\n{process.stderr}")
    return int(found[1].replace(",", ""))


def build() -> str:
    """The build of Python and the versions of the packages on which the figures depend."""
    configured = f"{sysconfig.get_config_var('CONFIG_ARGS')} {sysconfig.get_config_var('PY_CFLAGS')}"
    options = sha256(configured.encode()).hexdigest()[:8]
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in COMPILED)
    python = f"CPython {platform.python_version()}, {platform.python_compiler()}, options {options}"
    return f"{python}, {platform.machine()}; {packages}"


def verdicts(counted: dict[str, int], stored: dict[str, int]) -> tuple[list[str], bool]:
    """A line for each work, and whether none costs more than `TOLERANCE` above its stored figure."""
    lines, is_well = [], True
    for work, now in counted.items():
        before = stored.get(work)
        if before is None:
            lines.append(f"{work}: {now:,} instructions; NO FIGURE IS STORED, so nothing was compared")
            continue
        change = round(now / before - 1, 6)
        line = f"{work}: {now:,} instructions, stored {before:,} ({change:+.1%})"
        if change > TOLERANCE:
            is_well = False
            line += f"; more than {TOLERANCE:.0%} above it. Find the cause, or accept the cost with: {RENEW}"
        elif change < -TOLERANCE:
            line += f"; below it. Keep the gain with: {RENEW}"
        lines.append(line)
    return lines, is_well


def main(arguments: list[str]) -> None:
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind counts the instructions, and is not installed (on Debian: apt-get install valgrind)")
    stored: dict[str, dict[str, int]] = json.loads(STORED.read_text(encoding="utf-8"))
    here = build()
    counted = {work: count(work) for work in LENGTHS}
    lines, is_well = verdicts(counted, stored.get(here, {}))
    print(here, *lines, sep="\n")
    if "--renew" in arguments:
        renewed = dict(sorted({**stored, here: counted}.items()))
        STORED.write_text(json.dumps(renewed, indent=2) + "\n", encoding="utf-8")
    elif here not in stored:
        print(f"NO FIGURES ARE STORED FOR THIS BUILD. To store them: {RENEW}")
    elif not is_well:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
