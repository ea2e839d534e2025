"""An engine for each driver that the documentation names, and for each way to configure its connections."""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .places import PASSWORD, Place

WAYS = ("TLS", "connect_args", "creator", "do_connect", "schema", "pool_pre_ping")
SYNC = {
    "psycopg": ("postgresql+psycopg", "psycopg"),
    "psycopg2": ("postgresql+psycopg2", "psycopg2"),
    "PyMySQL": ("mysql+pymysql", "pymysql"),
    "mysqlclient": ("mysql+mysqldb", "MySQLdb"),
    "sqlite3": ("sqlite", "sqlite3"),
}
"""The name that SQLAlchemy has for each driver, and its module."""
ASYNC = {
    "psycopg (async)": ("postgresql+psycopg_async", "psycopg"),
    "asyncpg": ("postgresql+asyncpg", "asyncpg"),
    "asyncmy": ("mysql+asyncmy", "asyncmy"),
    "aiomysql": ("mysql+aiomysql", "aiomysql"),
    "aiosqlite": ("sqlite+aiosqlite", "aiosqlite"),
}
DRIVERS = {**SYNC, **ASYNC}
REMEDY = {"postgresql": "psycopg", "mysql": "PyMySQL", "sqlite": "sqlite3"}
"""The driver of the engine to pass where the outbox's own connections cannot be made as the application's are."""


def kind_of(driver: str) -> str:
    return DRIVERS[driver][0].partition("+")[0]


def engine_of(driver: str, way: str, place: Place) -> Engine | AsyncEngine:
    """An engine to the place that works by this way alone: without what it configures, the server refuses."""
    name, _ = DRIVERS[driver]
    url, options, listener = _WAYS[way](driver, place)
    made = (create_async_engine if driver in ASYNC else create_engine)(f"{name}://{url}", **options)
    if listener is not None:
        event.listen(made.sync_engine if isinstance(made, AsyncEngine) else made, "do_connect", listener)
    return made


Parts = tuple[str, dict[str, Any], Callable[..., None] | None]
"""The rest of a URL, options of the engine, and a listener for `do_connect`."""


def _by_socket(driver: str, place: Place, user: str = f"app:{PASSWORD}") -> str:
    kind = kind_of(driver)
    if kind == "sqlite":
        return f"/{place.file}"
    if kind == "postgresql":
        return f"{user}@/app?host={place.socket}"
    return f"{user}@localhost/app?unix_socket={place.socket}"


def _tls(driver: str, place: Place) -> Parts:
    context = ssl.create_default_context(cafile=str(place.ca))
    arguments: dict[str, Any] = {
        "postgresql": {"sslmode": "verify-full", "sslrootcert": str(place.ca)},
        "mysql": {"ssl": {"ca": str(place.ca)}},
    }[kind_of(driver)]
    if driver in ("asyncpg", "asyncmy", "aiomysql"):
        arguments = {"ssl": context}
    return f"secure:{PASSWORD}@127.0.0.1:{place.port}/app", {"connect_args": arguments}, None


def _connect_args(driver: str, place: Place) -> Parts:
    if kind_of(driver) == "sqlite":
        return _by_socket(driver, place), {"connect_args": {"timeout": 2.0}}, None
    return _by_socket(driver, place, "app"), {"connect_args": {"password": PASSWORD}}, None


def _creator(driver: str, place: Place) -> Parts:
    module = importlib.import_module(DRIVERS[driver][1])
    arguments = _arguments(driver, place)
    url = "" if kind_of(driver) == "sqlite" else _by_socket(driver, place, "app")
    if driver not in ASYNC:
        return url or _by_socket(driver, place), {"creator": lambda: module.connect(**arguments)}, None

    async def connected() -> Any:
        connect = module.AsyncConnection.connect if driver == "psycopg (async)" else module.connect
        return await connect(**arguments)

    return url or _by_socket(driver, place), {"async_creator": connected}, None


def _arguments(driver: str, place: Place) -> dict[str, Any]:
    if kind_of(driver) == "sqlite":
        return {"database": str(place.file), "check_same_thread": False}
    if kind_of(driver) == "mysql":
        name = {"asyncmy": "db", "aiomysql": "db"}.get(driver, "database")
        return {"unix_socket": place.socket, "user": "app", "password": PASSWORD, name: "app"}
    name = "database" if driver == "asyncpg" else "dbname"
    return {"host": place.socket, "user": "app", "password": PASSWORD, name: "app"}


def _do_connect(driver: str, place: Place) -> Parts:
    """As for a password that is a token which soon expires."""

    def give_token(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["timeout" if kind_of(driver) == "sqlite" else "password"] = tokens[kind_of(driver) == "sqlite"]

    tokens = {True: 2.0, False: PASSWORD}
    return _by_socket(driver, place, "app"), {}, give_token


def _schema(driver: str, place: Place) -> Parts:
    """On MariaDB and MySQL, the schema is the database that the URL names."""
    if kind_of(driver) != "postgresql":
        return _by_socket(driver, place), {}, None
    arguments = (
        {"server_settings": {"search_path": "tenant"}} if driver == "asyncpg" else {"options": "-c search_path=tenant"}
    )
    return _by_socket(driver, place), {"connect_args": arguments}, None


def _pool_pre_ping(driver: str, place: Place) -> Parts:
    return _by_socket(driver, place), {"pool_pre_ping": True}, None


_WAYS: dict[str, Callable[[str, Place], Parts]] = dict(
    zip(WAYS, (_tls, _connect_args, _creator, _do_connect, _schema, _pool_pre_ping), strict=True)
)
