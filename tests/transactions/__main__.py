"""The long run: random programs on every kind of database, SQLite, PostgreSQL and MariaDB.

python -m tests.transactions [--long] [--examples 200] [--seed 1] [--only django]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.mariadb import MISSING, MariaDB, is_installed
from tests.postgres import PostgreSQL

from .databases import django_aliases, fast_folder
from .interpreter import run
from .lanes import Backend
from .programs import programs

LONG = 5_000


@contextmanager
def backends(folder: Path, postgres: PostgreSQL, mariadb: MariaDB | None) -> Iterator[dict[str, Backend]]:
    from . import on_django, on_sqlalchemy, plain

    async_url = postgres.url("asynchronous", driver="postgresql+psycopg_async")
    with ExitStack() as stack:
        for name in ("synchronous", "asynchronous"):
            postgres.create_database(name)
        on_sqlite = stack.enter_context(django_aliases("sqlite", folder=folder))
        on_postgres = stack.enter_context(django_aliases("postgres", server=postgres))
        yield {
            "direct": plain.Direct(),
            "file": plain.File(folder / "events.db"),
            "django direct, sqlite": on_django.Direct(on_sqlite),
            "django direct, postgres": on_django.Direct(on_postgres),
            "django outbox, sqlite": on_django.Outbox(on_sqlite, is_on_sqlite=True),
            "django outbox, postgres": on_django.Outbox(on_postgres, is_on_sqlite=False),
            "sqlalchemy, sqlite": on_sqlalchemy.Sync(f"sqlite:///{folder}/sync.db"),
            "sqlalchemy, postgres": on_sqlalchemy.Sync(postgres.url("synchronous")),
            "sqlalchemy async, sqlite": on_sqlalchemy.Async(
                f"sqlite:///{folder}/async.db", f"sqlite+aiosqlite:///{folder}/async.db"
            ),
            "sqlalchemy async, postgres": on_sqlalchemy.Async(postgres.url("asynchronous"), async_url),
            "sqlalchemy core, sqlite": on_sqlalchemy.SyncCore(f"sqlite:///{folder}/core.db"),
            "sqlalchemy core, postgres": on_sqlalchemy.SyncCore(postgres.url("synchronous")),
            "sqlalchemy async core, sqlite": on_sqlalchemy.AsyncCore(
                f"sqlite:///{folder}/async-core.db", f"sqlite+aiosqlite:///{folder}/async-core.db"
            ),
            "sqlalchemy async core, postgres": on_sqlalchemy.AsyncCore(postgres.url("asynchronous"), async_url),
            **_streams("postgres", postgres, stack),
            **({} if mariadb is None else _on_mariadb(mariadb, stack)),
        }


def _streams(name: str, server: PostgreSQL | MariaDB, stack: ExitStack) -> dict[str, Backend]:
    from . import on_django, on_sqlalchemy

    for database in ("stream", "core-stream"):
        server.create_database(database)
    aliases = stack.enter_context(django_aliases(f"{name}-stream", server=server))
    return {
        f"sqlalchemy stream, {name}": on_sqlalchemy.Stream(server.url("stream")),
        f"sqlalchemy core stream, {name}": on_sqlalchemy.StreamCore(server.url("core-stream")),
        f"django stream, {name}": on_django.Stream(aliases, server.url(aliases["default"])),
    }


def _on_mariadb(mariadb: MariaDB, stack: ExitStack) -> dict[str, Backend]:
    from . import on_django, on_sqlalchemy

    for name in ("synchronous", "asynchronous"):
        mariadb.create_database(name)
    aliases = stack.enter_context(django_aliases("mariadb", server=mariadb))
    url, async_url = mariadb.url("synchronous"), mariadb.url("asynchronous")
    return {
        **_streams("mariadb", mariadb, stack),
        "django direct, mariadb": on_django.Direct(aliases),
        "django outbox, mariadb": on_django.Outbox(aliases, is_on_sqlite=False),
        "sqlalchemy, mariadb": on_sqlalchemy.Sync(url),
        "sqlalchemy core, mariadb": on_sqlalchemy.SyncCore(url),
        **{
            f"sqlalchemy async{core}, mariadb, {driver}": kind(
                async_url, mariadb.url("asynchronous", driver=f"mysql+{driver}")
            )
            for core, kind in (("", on_sqlalchemy.Async), (" core", on_sqlalchemy.AsyncCore))
            for driver in ("asyncmy", "aiomysql")
        },
    }


def check(backend: Backend, *, examples: int, number: int) -> None:
    """Raises the smallest counterexample that it finds."""

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(program=programs)
    def every_event_meets_its_fate(program: Sequence[Any]) -> None:
        run(program, backend)

    every_event_meets_its_fate()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--long", action="store_true", help=f"{LONG} programs each")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="part of the name of a backend")
    options = parser.parse_args()
    examples = LONG if options.long else options.examples
    print(f"{examples} programs each, seed {options.seed}")
    with fast_folder() as folder, _servers() as servers, backends(folder, *servers) as found:
        for name, backend in found.items():
            if options.only in name:
                _report(name, lambda backend=backend: check(backend, examples=examples, number=options.seed))


def _report(name: str, work: Callable[[], None]) -> None:
    began = time.monotonic()
    work()
    print(f"{name:40} held, {time.monotonic() - began:6.1f} s", flush=True)


@contextmanager
def _servers() -> Iterator[tuple[PostgreSQL, MariaDB | None]]:
    """PostgreSQL, and MariaDB where it is installed."""
    with ExitStack() as stack:
        postgres = PostgreSQL(fsync="off")
        stack.callback(postgres.stop)
        if not is_installed():
            print(MISSING)
            yield postgres.start(), None
            return
        mariadb = MariaDB(innodb_flush_log_at_trx_commit=0)
        stack.callback(mariadb.stop)
        yield postgres.start(), mariadb.start()


if __name__ == "__main__":
    main()
