"""The cost of importing the library, beside starting the interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

from .rounds import ratio, seconds

MODULES = ("bc_events", "bc_events.events")


def imports() -> dict[str, float]:
    """The time of an interpreter that imports a compiled module and ends, divided by that of one that only ends."""

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)

    contenders = {module: lambda module=module: run(f"import {module}") for module in MODULES}
    taken = seconds({**contenders, "bare": lambda: run("pass")}, rounds=15)
    return {module: ratio(taken, module, "bare") for module in MODULES}
