"""Dialect: the differences between the SQL of PostgreSQL, of MySQL and MariaDB, and of SQLite."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Name = Literal["postgresql", "mysql", "sqlite"]
"""MariaDB is called `mysql` too."""

Parameters = tuple["Sequence[object]", "Sequence[object]", "Sequence[object]"]
_MYSQL: Final = {"bigint": "bigint", "float8": "double", "text": "longtext", "uuid": "char(32)"}
"""The types of MySQL that stand for those of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The SQL that differs.

    `now` is the time of the database's clock, in seconds of the Unix epoch: relays on many machines share it.
    `begin` starts a transaction of a relay, on a connection that commits each statement otherwise.
    `lock` makes a SELECT lock the rows of `o`. `skip_locked` also leaves out rows that other transactions have locked.
    `find_index` selects a row if an `{index}` of a `{table}` exists.
    After `forbid_sort`, a transaction reads in the order of an index, even if the planner expects few rows.
    `allow_sort` ends that. `with_index` follows a table in a statement, and has it read in the order of an `{index}`.
    `locks_deleted_rows`: a statement that locks also reads and locks deleted rows that a snapshot keeps.
    `last_seq` selects the last `seq` that was given, or NULL. `writers` selects the transactions that may have inserted
    rows and have not ended. A database has them if its indexes keep deleted rows: see `Floor`.
    `kept` selects the number of old versions, and the age of the oldest snapshot in seconds: see `Stats`.
    `then` joins a table that is read after the one before it.
    `keep_stored` ends an INSERT. A row whose id is stored already is then left alone.
    `has_one_writer`: while one transaction writes, no other can begin to.
    `has_partial_indexes`: an index may have a condition for its rows.
    `commit_softly` lets a transaction commit before the disk has it: a crash of the database may undo it.
    `locks_neighbours`: a statement of the application's own transaction that changes rows locks others beside them, and
    the gaps between, except where it finds one row by the primary key.
    """

    name: Name
    now: str
    begin: tuple[str, ...]
    lock: str
    skip_locked: str
    find_index: str
    forbid_sort: str = ""
    allow_sort: str = ""
    with_index: str = ""
    locks_deleted_rows: bool = False
    last_seq: str = ""
    writers: str = ""
    kept: str = ""
    then: str = "JOIN"
    keep_stored: str = "ON CONFLICT (id) DO NOTHING"
    has_one_writer: bool = False
    has_partial_indexes: bool = True
    locks_neighbours: bool = False
    commit_softly: str = ""

    @property
    def _is_typed(self) -> bool:
        """Whether each value of a column has the column's type."""
        return self.name != "sqlite"

    @property
    def by_key(self) -> str:
        """Follows a table whose rows a statement changes or locks by `seq`.

        MySQL would read all of a small table, lock it, and wait for any row that is not committed yet.
        """
        return self.with_index.format(index="PRIMARY")

    def delete(self, table: str, condition: str) -> str:
        """The statement that deletes rows by `seq`."""
        return f"DELETE {f'{table} ' if self.by_key else ''}FROM {table}{self.by_key} WHERE {condition}"

    def among(self, column: str) -> str:
        """The condition that a column has one of several values. `many` makes its one parameter."""
        if self.name == "postgresql":
            return f"{column} = ANY(?)"
        if self.name == "mysql":
            return f"{column} IN ?"
        return f"{column} IN (SELECT value FROM json_each(?))"

    def many(self, values: Sequence[Any]) -> object:
        """Several values of one type, as one parameter."""
        if self.name == "postgresql":
            return _array(values)
        if self.name == "mysql":
            # The drivers write it out as a list in brackets, with which an index can be searched. It cannot be empty.
            return tuple(self.one(value) for value in values) or (None,)
        return json.dumps([self.one(value) for value in values])

    def one(self, value: Any) -> Any:
        """A value as a parameter. Where a database has no UUIDs, Django and SQLAlchemy store them as 32 digits."""
        return value.hex if self.name != "postgresql" and isinstance(value, UUID) else value

    def value(self, column: str) -> str:
        """An expression that selects a column safely. SQLite stores values of any type in any column.

        On SQLite, text is selected as bytes, because the driver fails on text that is not UTF-8. A BLOB is selected as
        one byte that no text contains.
        """
        return column if self._is_typed else _sqlite_value(column, column)

    def text(self, column: str, most: int) -> str:
        """Like `value`, for a column of text: at most `most` characters of it."""
        beginning = f"substr({column}, 1, {most})"
        return beginning if self._is_typed else _sqlite_value(column, beginning)

    def whole_text(self, column: str, most: int) -> str:
        """Like `value`, for a column of text: NULL if it has more than `most` bytes."""
        return f"CASE WHEN {self.size(column)} <= {most} THEN {self.value(column)} END"

    def size(self, column: str) -> str:
        """How many bytes a text has."""
        return f"octet_length({column})" if self._is_typed else f"length(CAST({column} AS BLOB))"

    def as_bytes(self, column: str) -> str:
        """Text that may not be UTF-8, as bytes that every driver can read."""
        return column if self._is_typed else f"CAST({column} AS BLOB)"

    def table(self, **types: str) -> str:
        """A table `n` of parameters, which `columns` makes. `types` are its columns, with PostgreSQL's types."""
        if self.name == "postgresql":
            arrays = ", ".join(f"?::{kind}[]" for kind in types.values())
            return f"unnest({arrays}) AS n({', '.join(types)})"
        if self.name == "mysql":
            picks = ", ".join(f"{name} {_MYSQL[kind]} PATH '$[{at}]'" for at, (name, kind) in enumerate(types.items()))
            return f"JSON_TABLE(?, '$[*]' COLUMNS ({picks})) AS n"
        picks = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(types))
        return f"(SELECT {picks} FROM json_each(?)) AS n"

    def columns(self, *columns: Sequence[Any]) -> list[object]:
        """The parameters of `table`."""
        if self.name == "postgresql":
            return [_array(column) for column in columns]
        return [json.dumps([[self.one(value) for value in row] for row in zip(*columns, strict=True)])]

    def update(
        self, table: str, changes: Mapping[str, str], given: str, condition: str, parameters: Parameters
    ) -> tuple[str, list[object]]:
        """The statement that changes each row whose `seq` is in `given`, a `table`; and its parameters.

        `changes` maps columns to expressions. `parameters` are those of the changes, of `given` and of the condition.
        """
        of_changes, of_given, of_condition = parameters
        if self.name == "mysql":
            settings = ", ".join(f"{table}.{column} = {value}" for column, value in changes.items())
            joined = f"{given} {self.then} {table}{self.by_key} ON {table}.seq = n.seq"
            return f"UPDATE {joined} SET {settings} WHERE {condition}", [*of_given, *of_changes, *of_condition]
        settings = ", ".join(f"{column} = {value}" for column, value in changes.items())
        return (
            f"UPDATE {table} SET {settings} FROM {given} WHERE {table}.seq = n.seq AND {condition}",
            [*of_changes, *of_given, *of_condition],
        )


def _array(values: Sequence[Any]) -> object:
    """An array of PostgreSQL. Written out here, numbers and UUIDs take a tenth of the time that psycopg takes."""
    if any(isinstance(value, str) for value in values):
        return list(values)
    return f"{{{','.join('NULL' if value is None else str(value) for value in values)}}}"


def _sqlite_value(column: str, text: str) -> str:
    return f"CASE typeof({column}) WHEN 'text' THEN CAST({text} AS BLOB) WHEN 'blob' THEN X'FF' ELSE {column} END"


POSTGRESQL: Final = Dialect(
    name="postgresql",
    now="extract(epoch FROM statement_timestamp())::double precision",
    # At a stricter level, the claims of two relays would make each other fail.
    begin=("BEGIN ISOLATION LEVEL READ COMMITTED",),
    lock=" FOR UPDATE OF o",
    skip_locked=" FOR UPDATE OF o SKIP LOCKED",
    find_index="SELECT 1 WHERE to_regclass('{index}') IS NOT NULL",
    forbid_sort="SET LOCAL enable_sort = off",
    allow_sort="SET LOCAL enable_sort = on",
    commit_softly="SET LOCAL synchronous_commit = off",
    last_seq="SELECT CASE WHEN has_sequence_privilege(s.name, 'USAGE, SELECT') THEN pg_sequence_last_value(s.name) END "
    "FROM (SELECT pg_get_serial_sequence('bc_outbox', 'seq')::regclass) AS s(name)",
    writers="SELECT l.virtualtransaction FROM pg_locks l WHERE l.locktype = 'relation' AND l.granted "
    "AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) "
    "AND l.relation = to_regclass('bc_outbox') AND l.mode = 'RowExclusiveLock'",
    # The transactions of other users are shown to members of pg_read_all_stats alone.
    kept="SELECT (SELECT s.n_dead_tup FROM pg_stat_all_tables s WHERE s.relid = to_regclass('bc_outbox')), "
    "CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') THEN extract(epoch FROM greatest("
    "interval '0', (SELECT max(clock_timestamp() - a.xact_start) FROM pg_stat_activity a "
    "WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.datname = current_database() "
    "AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'), "
    "(SELECT max(clock_timestamp() - p.prepared) FROM pg_prepared_xacts p "
    "WHERE p.database = current_database())))::double precision END",
)
MYSQL: Final = Dialect(
    name="mysql",
    now="(timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6)) / 1e6)",  # in no time zone that has a summer time
    # At a stricter level, a claim would lock the gaps between rows too.
    begin=("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"),
    # Rows of subqueries are not locked. MariaDB does not know the words OF o.
    lock=" FOR UPDATE",
    skip_locked=" FOR UPDATE SKIP LOCKED",
    find_index="SELECT 1 FROM information_schema.statistics WHERE table_schema = database() "
    "AND table_name = '{table}' AND index_name = '{index}' LIMIT 1",
    with_index=" FORCE INDEX ({index})",  # a sort reads all rows that are ready, and so locks them
    locks_deleted_rows=True,
    # Both tables need the privilege PROCESS.
    kept="SELECT (SELECT m.`count` FROM information_schema.innodb_metrics m WHERE m.name = 'trx_rseg_history_len'), "
    "(SELECT coalesce(max(timestampdiff(SECOND, t.trx_started, now())), 0) FROM information_schema.innodb_trx t "
    "WHERE t.trx_mysql_thread_id <> connection_id())",
    then="STRAIGHT_JOIN",
    keep_stored="ON DUPLICATE KEY UPDATE id = id",  # INSERT IGNORE would also cut values that are too long
    has_partial_indexes=False,
    locks_neighbours=True,
)
SQLITE: Final = Dialect(
    name="sqlite",
    now="((julianday('now') - 2440587.5) * 86400.0)",
    begin=("BEGIN IMMEDIATE",),  # once it has read, a transaction cannot wait for the lock to write
    lock="",
    skip_locked="",
    find_index="SELECT 1 FROM (SELECT name FROM sqlite_master UNION ALL SELECT name FROM sqlite_temp_master) "
    "WHERE name = '{index}'",
    has_one_writer=True,
)


def named(name: str) -> Dialect:
    """Raises `ConfigurationError` where an outbox cannot live in such a database."""
    for dialect in (POSTGRESQL, MYSQL, SQLITE):
        if dialect.name == name.replace("mariadb", "mysql"):
            return dialect
    raise ConfigurationError(
        f"an outbox cannot live in {name}; give it a database on PostgreSQL, MariaDB, MySQL or SQLite"
    )
