"""The configuration of Debezium that the docs show is the one that `python -m tests.cdc` runs."""

from __future__ import annotations

import inspect
import re

import pytest

from bc_events.outbox._store.columns import NAMES
from bc_events.outbox._stream import headers
from tests.cdc import databases
from tests.docs.pages import DOCS

PAGE = (DOCS / "how-to/cdc.md").read_text(encoding="utf-8")
OF_THE_PLACE = {"database.hostname", "database.port", "database.dbname"}


@pytest.mark.parametrize("database", databases.DATABASES.values())
def test_the_configuration_that_runs_is_the_one_that_is_shown(database, tmp_path):
    """Only the address, and what Kafka Connect does for a connector, are others."""
    (name,) = re.findall(r"shown\(\"(\S+?)\"\)", inspect.getsource(database))
    made = _made(database, tmp_path)
    shown = databases.shown(name)
    differing = {key for key in shown if made.get(key) != shown[key]}
    assert differing - OF_THE_PLACE <= {key for key in shown if key.startswith("schema.history.internal.kafka.")}
    assert f"<!-- examples/cdc/{name} -->" in PAGE


def _made(database, folder):
    """Without a server."""
    unstarted = object.__new__(database)
    unstarted._port = 1
    return unstarted.configuration(folder)


@pytest.mark.parametrize("name", ["postgresql.json", "mysql.json"])
def test_the_event_router_makes_the_headers_that_a_stream_relay_reads(name):
    assert databases.shown(name)["transforms.outbox.table.fields.additional.placement"] == headers.PLACEMENT
    assert headers.OF_COLUMNS.keys() <= set(NAMES)


def test_the_page_shows_the_statements_that_run():
    for name in ("postgresql.sql", "mariadb.sql"):
        assert f"<!-- examples/cdc/{name} -->" in PAGE
        assert name in inspect.getsource(databases)
