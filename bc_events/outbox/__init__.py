"""Durable storage that events go to first, and the relay that brings them to the Events API."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from bc_events._runtime import argument_checks as check, suggestions
from bc_events.errors import ConfigurationError, printable

if TYPE_CHECKING:
    from bc_events._delivery.delivery import Outbox

    from ._relay.relay import Relay
    from ._relay.settings import RelaySettings
    from ._sqlalchemy.outbox import SQLAlchemyOutbox
    from ._sqlalchemy.table import outbox_table
    from ._sqlite.outbox import SQLiteOutbox
    from ._store.keep import Keep
    from ._store.store import Store
    from ._stream.record import DeadRecord, StreamRecord
    from ._stream.relay import StreamRelay

_HOMES = {
    "DeadRecord": "_stream.record",
    "RelaySettings": "_relay.settings",
    "Relay": "_relay.relay",
    "SQLAlchemyOutbox": "_sqlalchemy.outbox",
    "SQLiteOutbox": "_sqlite.outbox",
    "Store": "_store.store",
    "StreamRecord": "_stream.record",
    "StreamRelay": "_stream.relay",
    "outbox_table": "_sqlalchemy.table",
}
_KINDS = {
    "django": "django, or django:alias for another database than the default one",
    "postgresql": "postgresql://…",
    "mysql": "mysql://…",
    "mariadb": "mariadb://…",
    "sqlite": "sqlite:///events.db, or events.db alone",
}
_WITH_KIND = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?!//)").match
"""One letter before a colon is a drive of Windows."""
__all__ = [
    "DeadRecord",
    "Relay",
    "RelaySettings",
    "SQLAlchemyOutbox",
    "SQLiteOutbox",
    "Store",
    "StreamRecord",
    "StreamRelay",
    "named",
    "outbox_table",
]


def named(name: str, *, keep: Keep | None = None) -> Outbox:
    """The outbox of a name: a file, `sqlite:///file`, `postgresql://…` or another URL, `django` or `django:alias`.

    With `keep`, such as `"90d"`, its relays keep what they have sent for so long. Raises `ConfigurationError`.
    """
    check.instance("name", name, str, example="the name of a file such as events.db, a URL, or django")
    kind, has_scheme, rest = name.partition("://")
    if name == "django" or name.startswith("django:"):
        return _made("DjangoOutbox", "django", "django", using=name.partition(":")[2] or "default", keep=keep)
    if not has_scheme:
        _refuse_near(name)
        return _made("SQLiteOutbox", "_sqlite.outbox", "", name, keep=keep)
    if kind == "sqlite" and "?" in rest:
        raise ConfigurationError(
            f"{kind}:///… names a file and takes no options; remove the question mark and what follows it"
        )
    if kind == "sqlite":
        return _made("SQLiteOutbox", "_sqlite.outbox", "", rest.removeprefix("/"), keep=keep)
    if kind.partition("+")[0] in ("postgresql", "postgres", "mysql", "mariadb"):
        url = name.replace("postgres://", "postgresql://", 1)
        return _made("SQLAlchemyOutbox", "_sqlalchemy.outbox", "sqlalchemy", url, keep=keep)
    raise _unknown_kind(f"{kind}://")


def _refuse_near(name: str) -> None:
    """Raises `ConfigurationError` for the name of a file that was surely meant for something else.

    It would become a file, in which the events wait for a relay that nobody runs.
    """
    found = _WITH_KIND(name)
    if found is not None and found[1] != "file":
        raise _unknown_kind(found[0])
    if name.isalpha() and suggestions.meant(name.lower(), ["django"]) is not None:
        raise ConfigurationError(
            f"the outbox is {printable(name)}; did you mean django? A file of that name is ./{name}"
        )


def _unknown_kind(prefix: str) -> ConfigurationError:
    """The rest of the name is not shown, because it may be a URL with a password."""
    meant = suggestions.meant(prefix.lower().partition(":")[0].partition("+")[0], _KINDS)
    remedy = (
        f"did you mean {_KINDS[meant]}?"
        if meant
        else (
            "give a file name such as events.db, a URL with postgresql://, mysql://, mariadb:// or sqlite:///, "
            "or django"
        )
    )
    return ConfigurationError(f"no outbox lives at {printable(prefix)}; {remedy}")


def _made(name: str, home: str, extra: str, *arguments: Any, **options: Any) -> Outbox:
    try:
        kind = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("bc_events"):
            raise
        raise ConfigurationError(
            f'this outbox needs {error.name}, which is not installed: pip install "bc_events[{extra}]"'
        ) from error
    made: Outbox = kind(*arguments, **options)
    return made


if not TYPE_CHECKING:  # type checkers then find misspelt names

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
