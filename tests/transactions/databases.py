"""The databases that programs run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pymysql
from django.core.management import call_command
from django.db import connections

import tests.django.service  # noqa: F401  sets Django up
from tests.mariadb import MariaDB
from tests.postgres import PostgreSQL

_FAST = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"


@contextmanager
def fast_folder() -> Iterator[Path]:
    """In memory where the system has such a folder: hundreds of programs commit there."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="bc-events-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def django_aliases(
    name: str, *, folder: Path | None = None, server: PostgreSQL | MariaDB | None = None
) -> Iterator[dict[str, str]]:
    """Two databases for Django, in files or on a server; the first one has the outbox. Maps their roles to aliases."""
    names = {"default": f"programs-{name}", "other": f"programs-{name}-other"}
    for alias in names.values():
        place = _on_server(alias, server) if server is not None else _in_file(alias, folder)
        connections.databases[alias] = {**connections.databases["default"], "OPTIONS": {}, **place}
    call_command("migrate", "bc_events_outbox", database=names["default"], verbosity=0)
    try:
        yield names
    finally:
        for alias in names.values():
            connections[alias].close()
            del connections[alias]  # the next database of this name may be on another server
            del connections.databases[alias]


def _in_file(alias: str, folder: Path | None) -> dict[str, object]:
    assert folder is not None
    return {"NAME": str(folder / alias), "OPTIONS": {"init_command": _FAST, "timeout": 2}}


def _on_server(alias: str, server: PostgreSQL | MariaDB) -> dict[str, object]:
    server.create_database(alias)
    if isinstance(server, MariaDB):
        if find_spec("MySQLdb") is None:
            pymysql.install_as_MySQLdb()
        options = {"unix_socket": str(server.socket), "charset": "utf8mb4"}
        return {"ENGINE": "django.db.backends.mysql", "NAME": alias, "USER": "root", "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": alias,
        "USER": "postgres",
        "HOST": str(server.folder),
        "PORT": "",
    }
