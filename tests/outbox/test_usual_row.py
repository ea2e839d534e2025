"""A row as the library writes it is read in a shorter way, with the same result; all others are not."""

from __future__ import annotations

import uuid

import pytest

from bc_events.outbox._sql.row_reading import read_row
from bc_events.outbox._sql.usual_row import usual_row
from bc_events.outbox._store.columns import NAMES

ID = uuid.UUID(int=7)
USUAL = {
    "seq": 7,
    "id": ID,
    "aggregatetype": "testing",
    "aggregateid": "job-1",
    "type": "testing.ThingCreated",
    "payload": '{"a": 1}',
    "created_at": 1.7e9,
    "available_at": 0.0,
    "attempts": 2,
    "lease": ID,
    "batch": None,
    "batch_first": None,
    "batch_last": None,
    "service": "PolicyService",
    "trace": "00-1-2-01",
    "last_error": None,
    "dead_at": None,
}
OTHERS = [
    *({"id": value} for value in (ID.hex, b"x", None)),
    *({"payload": value} for value in (b"{}", None, "[1]", "spoilt", '{"a": 1}, {"b": 2}')),
    *({"created_at": value} for value in (float("nan"), 1e300, -5.0, 3, "then")),
    *({"available_at": value} for value in (float("nan"), 1e300, 1)),
    *({"attempts": value} for value in (-1, 2**40, True, "many")),
    *({name: b"job"} for name in ("aggregatetype", "aggregateid", "type", "service", "trace")),
    *({"lease": value} for value in (ID.hex, b"x")),
    {"batch": ID, "batch_first": 7, "batch_last": 7},
    {"last_error": "HTTP 400"},
    {"dead_at": 1.7e9},
]


def values_of(**changes):
    return tuple({**USUAL, **changes}[name] for name in NAMES)


@pytest.mark.parametrize("changes", [{}, {"lease": None}, {"trace": None}, {"attempts": 0}], ids=str)
def test_a_usual_row_is_read_as_the_long_way_reads_it(changes, monkeypatch):
    usual = usual_row(values_of(**changes))
    monkeypatch.setattr("bc_events.outbox._sql.row_reading.usual_row", lambda _values: None)
    assert usual == read_row(values_of(**changes))
    assert usual.fault is None


@pytest.mark.parametrize("changes", OTHERS, ids=str)
def test_any_other_value_is_looked_at_closely(changes):
    assert usual_row(values_of(**changes)) is None
