"""A relay engine: an engine for the outbox's own threads that connects as the application's engine does.

Relays work on threads, where an async engine cannot be used, and with the drivers that the store's SQL is written for.
What cannot be carried over to it is refused: a relay that connects in another way reads another table, or none.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import URL, Engine

USED: Final = frozenset({"psycopg", "psycopg2", "pysqlite", "pymysql", "mysqldb"})
"""Drivers of engines that the store can work on."""
_DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_EXTRAS: Final = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_SAME_ARGUMENTS: Final = frozenset({"psycopg", "psycopg_async", "psycopg2", "aiosqlite", "asyncmy", "aiomysql"})
"""Drivers that are given what the relay engine's driver is: the parameters of libpq, or those of
`sqlite3.connect` or PyMySQL."""
_ADDRESSES: Final = frozenset({"host", "port"})
"""Arguments in the query of a URL that SQLAlchemy reads alike for all drivers of PostgreSQL."""
_OF_ASYNC_MYSQL: Final = frozenset({"echo", "loop", "auth_plugin"})
"""Arguments of asyncmy and aiomysql that PyMySQL does not know."""
_OF_STATEMENTS: Final = frozenset(
    {"prepared_statement_cache_size", "prepared_statement_name_func", "statement_cache_size", "prepare_threshold"}
)
"""Arguments that say how statements are prepared: the relay engine prepares none."""
_OBSERVERS: Final = ("sqlalchemy.", "opentelemetry.", "sentry_sdk.", "ddtrace.", "newrelic.", "elasticapm.")
"""Modules whose listeners are SQLAlchemy's own, or only watch."""
_IN_MEMORY: Final = (None, "", ":memory:")


def is_in_memory(url: URL) -> bool:
    """Whether the URL of a SQLite database names no file."""
    name = url.database
    return name in _IN_MEMORY or (name is not None and name.startswith("file:") and "memory" in str(url))


def twin_of(engine: Engine, options: Mapping[str, Any]) -> Engine:
    """`options` are for `create_engine`. Raises `ConfigurationError` for an engine that can have no relay engine."""
    arguments = _arguments(engine)
    statements = [name for name in engine.url.query if name in _OF_STATEMENTS]
    url = engine.url.difference_update_query(statements)
    if engine.driver not in _SAME_ARGUMENTS and (arguments or set(url.query) - _ADDRESSES):
        raise _refusal(engine, f"arguments for {engine.driver} (in connect_args or in its URL)")
    if engine.driver in ("asyncmy", "aiomysql") and (unknown := _OF_ASYNC_MYSQL & {*arguments, *url.query}):
        raise _refusal(engine, f"the argument {min(unknown)}, which PyMySQL does not know")
    if engine.dialect.name == "sqlite" and is_in_memory(url):
        raise _refusal(engine, "a database in memory, which no other connection sees")
    try:
        relay_engine = create_engine(
            url.set(drivername=_DRIVERS[engine.dialect.name]),
            **{**options, "connect_args": {**options.get("connect_args", {}), **arguments}},
            poolclass=NullPool if isinstance(engine.pool, NullPool) else None,
            pool_recycle=engine.pool._recycle,
        )
    except ImportError as error:
        raise ConfigurationError(
            f"the outbox's own connections need {error.name}, which is not installed: "
            f'pip install "bc_events[{_EXTRAS[engine.dialect.name]}]", or pass engine=, a sync engine of the same '
            "database"
        ) from error
    _refuse_listeners(engine, relay_engine)
    return relay_engine.execution_options(**engine.get_execution_options())


def _arguments(engine: Engine) -> dict[str, Any]:
    """What `connect_args` has given the driver beyond the URL."""
    # SQLAlchemy keeps them in the function that connects, where one of the application's own may stand instead.
    connect = engine.pool._creator
    if getattr(connect, "__module__", "") != "sqlalchemy.engine.create":
        raise _refusal(engine, "a creator or a pool that was made by hand")
    given: Mapping[str, Any] = inspect.getclosurevars(connect).nonlocals["cparams"]
    by_url = engine.dialect.create_connect_args(engine.url)[1]
    found = {name: value for name, value in given.items() if name not in by_url or by_url[name] != value}
    found = {name: value for name, value in found.items() if name not in _OF_STATEMENTS}
    for name, value in found.items():
        if not isinstance(value, str | int | float | None):
            raise _refusal(engine, f"the argument {name} in connect_args")
    return found


def _refuse_listeners(engine: Engine, relay_engine: Engine) -> None:
    """Those of all engines are the relay engine's too."""
    common = set(_listeners(relay_engine))
    for name, listener in _listeners(engine):
        if (name, listener) not in common and not str(getattr(listener, "__module__", "")).startswith(_OBSERVERS):
            raise _refusal(engine, f"a listener for {name}")


def _listeners(engine: Engine) -> Iterator[tuple[str, Any]]:
    """Whatever can change how a connection is made, or what it is set to."""
    dispatchers: tuple[tuple[Any, str], ...] = (
        *((engine.dialect, "do_connect"), (engine.pool, "connect"), (engine.pool, "first_connect")),
        *((engine.pool, "checkout"), (engine, "engine_connect"), (engine, "begin")),
    )
    for target, name in dispatchers:
        for listener in getattr(target.dispatch, name):
            yield name, listener


def _refusal(engine: Engine, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the engine {engine.url.render_as_string()} has {what}, which the outbox's own connections would not have; "
        "pass engine=, a sync engine of the same database on psycopg, psycopg2, PyMySQL, mysqlclient or sqlite3 that "
        "is configured as this one is"
    )
