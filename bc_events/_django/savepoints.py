"""SavepointWatch: watches the savepoints of a connection, those of `atomic` and those made by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

    Execute = Callable[[str, Any, bool, dict[str, Any]], Any]

_STATEMENT: Final = re.compile(
    r"\s*(?:(?P<opened>SAVEPOINT)|(?P<released>RELEASE)(?:\s+SAVEPOINT)?"
    r"|ROLLBACK(?:\s+(?:WORK|TRANSACTION))?\s+TO(?:\s+SAVEPOINT)?)\s+(?P<name>[^\s;]+)\s*;?\s*",
    re.IGNORECASE,
)


class SavepointListener(Protocol):
    """Called after the database has run the statement of a savepoint."""

    def savepoint_opened(self, name: str) -> None: ...
    def savepoint_released(self, name: str) -> None: ...
    def savepoint_rolled_back(self, name: str) -> None: ...


class SavepointWatch:
    """A wrapper around each statement. There is no other way to notice `transaction.savepoint_rollback`."""

    def __init__(self, connection: BaseDatabaseWrapper, told: SavepointListener) -> None:
        """Begins at once. It keeps only a weak reference to `told`, and ends when that is collected."""
        self._connection = connection
        self._told: ReferenceType[SavepointListener] = ref(told)
        # First in the list, because `connection.execute_wrapper()` removes the last entry as its own.
        connection.execute_wrappers.insert(0, self)

    def __call__(self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        told = self._told()
        if told is None:
            self.end()
        elif isinstance(sql, str) and (found := _STATEMENT.fullmatch(sql)):
            _tell(told, found)
        return result

    def end(self) -> None:
        if self in self._connection.execute_wrappers:
            self._connection.execute_wrappers.remove(self)


def _tell(told: SavepointListener, found: re.Match[str]) -> None:
    name = found["name"].strip('"`')
    if found["opened"]:
        told.savepoint_opened(name)
    elif found["released"]:
        told.savepoint_released(name)
    else:
        told.savepoint_rolled_back(name)
