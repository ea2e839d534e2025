"""An Events API, and an empty outbox in PostgreSQL, for each test that wants one."""

from __future__ import annotations

import pytest

from bc_events.local import LocalEventsAPI
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import POSTGRESQL


@pytest.fixture
def postgres_url(postgres):
    """The URL of a database that has an empty outbox table and nothing else."""
    with postgres.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        for statement in schema.creation(POSTGRESQL):
            connection.execute(statement)
    return postgres.url()


@pytest.fixture
def api():
    with LocalEventsAPI() as api:
        yield api
