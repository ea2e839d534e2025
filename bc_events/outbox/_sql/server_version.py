"""The oldest servers on which the outbox's SQL works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events.errors import OutboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST: Final = {"MariaDB": (10, 6), "MySQL": (8, 0, 16)}
"""Older servers lack SKIP LOCKED or JSON_TABLE."""


def refuse_old_mysql(version: Sequence[int], *, is_mariadb: bool) -> None:
    """Raises `OutboxError` for a server of MariaDB or MySQL that is too old."""
    name = "MariaDB" if is_mariadb else "MySQL"
    if tuple(version) >= _LEAST[name]:
        return
    raise OutboxError(
        f"the outbox's database is {name} {_written(version)}, which lacks statements that a claim needs; "
        f"give the outbox {name} {_written(_LEAST[name])} or later"
    )


def _written(version: Sequence[int]) -> str:
    return ".".join(map(str, version))
