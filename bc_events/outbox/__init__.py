"""Durable storage that events go to first, and the relay that brings them to the Events API."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from bc_events.delivery import Outbox

    from .file import SQLiteOutbox
    from .pace import Pace
    from .relay import Relay
    from .sqlalchemy import SQLAlchemyOutbox
    from .store import Store

_HOMES = {
    "Pace": "pace",
    "Relay": "relay",
    "SQLAlchemyOutbox": "sqlalchemy",
    "SQLiteOutbox": "file",
    "Store": "store",
}
__all__ = ["Pace", "Relay", "SQLAlchemyOutbox", "SQLiteOutbox", "Store", "named"]


def named(name: str) -> Outbox:
    """The outbox of a name: a file, `sqlite:///file`, `postgresql://…` or another URL, `django` or `django:alias`.

    Raises `ConfigurationError`.
    """
    kind, has_scheme, rest = name.partition("://")
    if name == "django" or name.startswith("django:"):
        return _made("DjangoOutbox", "django", using=name.partition(":")[2] or "default")
    if not has_scheme:
        return _made("SQLiteOutbox", "file", name)
    if kind == "sqlite" and "?" in rest:
        raise ConfigurationError(
            f"{kind}:/// names a file alone; give its options to SQLiteOutbox(…), such as busy_timeout and max_bytes"
        )
    if kind == "sqlite":
        return _made("SQLiteOutbox", "file", rest.removeprefix("/"))
    if kind.partition("+")[0] in ("postgresql", "postgres"):
        return _made("SQLAlchemyOutbox", "sqlalchemy", name.replace("postgres://", "postgresql://", 1))
    raise ConfigurationError(
        f"no outbox lives at {kind}://; give a file name such as events.db, a URL with postgresql:// or sqlite:///, "
        "or django"
    )


def _made(name: str, home: str, *arguments: Any, **options: Any) -> Outbox:
    try:
        kind = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("bc_events"):
            raise
        raise ConfigurationError(
            f'this outbox needs {error.name}, which is not installed: pip install "bc_events[{home}]"'
        ) from error
    made: Outbox = kind(*arguments, **options)
    return made


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
