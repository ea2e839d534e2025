"""The store of a SQLite file."""

import pytest

from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._sqlite.database import SQLiteDatabase
from tests.outbox.conformance import *  # noqa: F403
from tests.outbox.unreadable_rows import *  # noqa: F403


@pytest.fixture
def store(tmp_path):
    store = TableStore(SQLiteDatabase(tmp_path / "events.db", max_bytes=1 << 30, busy_timeout=5))
    yield store
    store.close()
