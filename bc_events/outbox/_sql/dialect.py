"""Dialect: the differences between the SQL of PostgreSQL and of SQLite."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

Name = Literal["postgresql", "sqlite"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """`now` is the time of the database's clock, in seconds of the Unix epoch: relays on many machines share it.

    `lock` makes a SELECT lock the rows of `o`. `skip_locked` also leaves out rows that other transactions have locked.
    After `forbid_sort`, a transaction reads in the order of an index, even if the planner expects few rows.
    `allow_sort` ends that.
    """

    name: Name
    now: str
    lock: str
    skip_locked: str
    forbid_sort: str = ""
    allow_sort: str = ""

    def among(self, column: str) -> str:
        """The condition that a column has one of several values. `many` makes its one parameter."""
        if self.name == "postgresql":
            return f"{column} = ANY(?)"
        return f"{column} IN (SELECT value FROM json_each(?))"

    def many(self, values: Sequence[Any]) -> object:
        """Several values of one type, as one parameter."""
        return list(values) if self.name == "postgresql" else json.dumps([self.one(value) for value in values])

    def one(self, value: Any) -> Any:
        """A value as a parameter. SQLite has no UUIDs; Django and SQLAlchemy store them there as 32 digits."""
        return value.hex if self.name == "sqlite" and isinstance(value, UUID) else value

    def value(self, column: str) -> str:
        """An expression that selects a column safely. SQLite stores values of any type in any column.

        On SQLite, text is selected as bytes, because the driver fails on text that is not UTF-8. A BLOB is selected as
        one byte that no text contains.
        """
        return column if self.name == "postgresql" else _sqlite_value(column, column)

    def text(self, column: str, most: int) -> str:
        """The same for a column of text: at most so many characters of it."""
        beginning = f"substr({column}, 1, {most})"
        return beginning if self.name == "postgresql" else _sqlite_value(column, beginning)

    def whole_text(self, column: str, most: int) -> str:
        """The same for a column of text: NULL if it has more than so many bytes."""
        if self.name == "postgresql":
            return f"CASE WHEN octet_length({column}) <= {most} THEN {column} END"
        return f"CASE WHEN length(CAST({column} AS BLOB)) <= {most} THEN {_sqlite_value(column, column)} END"

    def as_bytes(self, column: str) -> str:
        """Text that may not be UTF-8, as bytes that every driver can read."""
        return column if self.name == "postgresql" else f"CAST({column} AS BLOB)"

    def table(self, **types: str) -> str:
        """A table `n` of parameters, which `columns` makes. `types` are its columns, with PostgreSQL's types."""
        if self.name == "postgresql":
            arrays = ", ".join(f"?::{kind}[]" for kind in types.values())
            return f"unnest({arrays}) AS n({', '.join(types)})"
        picks = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(types))
        return f"(SELECT {picks} FROM json_each(?)) AS n"

    def columns(self, *columns: Sequence[Any]) -> list[object]:
        """The parameters of `table`."""
        if self.name == "postgresql":
            return [list(column) for column in columns]
        return [json.dumps([[self.one(value) for value in row] for row in zip(*columns, strict=True)])]


def _sqlite_value(column: str, text: str) -> str:
    return f"CASE typeof({column}) WHEN 'text' THEN CAST({text} AS BLOB) WHEN 'blob' THEN X'FF' ELSE {column} END"


POSTGRESQL: Final = Dialect(
    name="postgresql",
    now="extract(epoch FROM statement_timestamp())::double precision",
    lock=" FOR UPDATE OF o",
    skip_locked=" FOR UPDATE OF o SKIP LOCKED",
    forbid_sort="SET LOCAL enable_sort = off",
    allow_sort="SET LOCAL enable_sort = on",
)
SQLITE: Final = Dialect(
    name="sqlite",
    now="((julianday('now') - 2440587.5) * 86400.0)",
    lock="",  # a write transaction is alone in its file
    skip_locked="",
)


def named(name: str) -> Dialect:
    """Raises `ConfigurationError` where an outbox cannot live in such a database."""
    for dialect in (POSTGRESQL, SQLITE):
        if dialect.name == name:
            return dialect
    raise ConfigurationError(f"an outbox cannot live in {name}; give it a database on PostgreSQL or SQLite")
