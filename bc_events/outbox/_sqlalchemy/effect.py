"""Effect: what a SQL statement does to its transaction, as far as its text tells."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_FIRST_WORD: Final = re.compile(r"[\s(;]*(\w+)")
_LOCKS_OR_STORES: Final = re.compile(
    r"\bINTO\b|\bFOR\s+(?:NO\s+KEY\s+|KEY\s+)?(?:UPDATE|SHARE)\b|\bLOCK\s+IN\s+SHARE\b"
)
_CHANGES: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO|SHARE)\b")
_QUERIES: Final = frozenset({"SELECT", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "PRAGMA", "DECLARE", "FETCH"})
_QUERIES_OR_CHANGES: Final = frozenset({"WITH", "EXPLAIN"})
_CONTROLS: Final = frozenset({"SET", "RESET", "BEGIN", "START", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "CLOSE"})


class Effect(Enum):
    """In doubt a statement writes. A query may call a function that writes, which its text does not tell."""

    NONE = "it controls the transaction, such as SAVEPOINT"
    READ = "it is a query that takes no lock"
    WRITE = "it may change something, or locks it"

    @classmethod
    def of(cls, statement: str) -> Effect:
        sql = _QUOTED.sub(" ", statement).upper()
        first = _FIRST_WORD.match(sql)
        word = first.group(1) if first is not None else ""
        if word in _CONTROLS:
            return cls.NONE
        if word in _QUERIES:
            return cls.WRITE if _LOCKS_OR_STORES.search(sql) else cls.READ
        if word in _QUERIES_OR_CHANGES:
            return cls.WRITE if _CHANGES.search(sql) else cls.READ
        return cls.WRITE
