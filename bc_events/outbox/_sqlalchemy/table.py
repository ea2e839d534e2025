"""The outbox table and its archive as SQLAlchemy knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BLANK_SCHEMA,
    DDL,
    BigInteger,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    event,
    text,
)
from sqlalchemy.dialects.mysql import LONGTEXT

from bc_events._runtime import argument_checks as check
from bc_events.outbox._sql import schema
from bc_events.outbox._store.columns import COLUMNS, SENT_COLUMNS

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.schema import ExecutableDDLElement
    from sqlalchemy.types import TypeEngine

    from bc_events.outbox._store.columns import Kind, TableColumn

_TYPES: Final[dict[Kind, TypeEngine[Any]]] = {
    "sequence": BigInteger().with_variant(Integer, "sqlite"),
    "uuid": Uuid().with_variant(Uuid(native_uuid=False), "mysql", "mariadb"),
    "text": Text().with_variant(LONGTEXT(), "mysql", "mariadb"),
    "time": Double(),
    "count": Integer(),
    "number": BigInteger(),
}


_MYSQL: Final = ("mysql", "mariadb")
_MYSQL_OPTIONS: Final[dict[str, Any]] = {
    f"{kind}_{name}": value for kind in _MYSQL for name, value in schema.MYSQL_OPTIONS.items()
}


def outbox_table(metadata: MetaData) -> Table:
    """The outbox table in your metadata, for `create_all` and for Alembic's autogenerate. It brings its archive along.

    They are found by the connection's `search_path`, so they do not take the metadata's own schema.
    """
    check.instance("metadata", metadata, MetaData, example="a MetaData, such as Base.metadata")
    table: Table = Table(
        schema.TABLE,
        metadata,
        *(_column(column, schema.WHOLE_INDEXES) for column in COLUMNS),
        schema=BLANK_SCHEMA,
        sqlite_autoincrement=True,
        postgresql_with=schema.OPTIONS["postgresql"],
        **_MYSQL_OPTIONS,
    )
    for name, (columns, condition) in schema.INDEXES.items():
        where = text(condition)
        index = Index(name, *(table.c[column] for column in columns), postgresql_where=where, sqlite_where=where)
        index.ddl_if(callable_=_has_conditions)
    for name, columns in schema.WHOLE_INDEXES.items():
        Index(name, *(table.c[column] for column in columns)).ddl_if(callable_=_has_no_conditions)
    _archive(metadata)
    return table


def _archive(metadata: MetaData) -> None:
    archive: Table = Table(
        schema.SENT,
        metadata,
        *(_column(column, schema.SENT_INDEXES) for column in SENT_COLUMNS),
        PrimaryKeyConstraint(*schema.SENT_KEY),
        schema=BLANK_SCHEMA,
        postgresql_partition_by="RANGE (sent_at)",
        **_MYSQL_OPTIONS,
    )
    for name, columns in schema.SENT_INDEXES.items():
        Index(name, *(archive.c[column] for column in columns))
    make_default = f"CREATE TABLE IF NOT EXISTS {schema.SENT}_default PARTITION OF {schema.SENT} DEFAULT"
    default: ExecutableDDLElement = DDL(make_default)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    event.listen(archive, "after_create", default.execute_if(dialect="postgresql"))


def _has_conditions(*_: Any, dialect: Dialect, **_options: Any) -> bool:
    """Whether an index may have one in this database."""
    return dialect.name not in _MYSQL


def _has_no_conditions(*_: Any, dialect: Dialect, **_options: Any) -> bool:
    return dialect.name in _MYSQL


def _column(column: TableColumn, indexes: dict[str, tuple[str, ...]]) -> Column[Any]:
    if column.kind == "sequence":
        return Column(column.name, _TYPES[column.kind], Identity(), primary_key=True)
    kind = _TYPES[column.kind]
    return Column(
        column.name,
        Text().with_variant(String(schema.LONGEST_KEY), *_MYSQL) if schema.is_searched(column, indexes) else kind,
        nullable=column.is_nullable,
        unique=column.is_unique or None,
        server_default=None if column.default is None else text(str(column.default)),
    )
