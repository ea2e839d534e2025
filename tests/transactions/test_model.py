"""200 random programs on each kind of database: every event meets the outcome that the oracle says."""

from __future__ import annotations

import pytest
from hypothesis import given

from . import on_django, plain
from .interpreter import run
from .programs import model, programs


@model
@given(program=programs)
def test_without_transactions(program):
    run(program, plain.Direct())


@pytest.fixture(scope="module")
def file(folder):
    return plain.File(folder / "events.db")


@model
@given(program=programs)
def test_an_outbox_in_a_file(program, file):
    run(program, file)


@pytest.fixture
def direct(sqlite_aliases, django_db_blocker):
    with django_db_blocker.unblock():
        yield on_django.Direct(sqlite_aliases)


@model
@given(program=programs)
def test_django_without_an_outbox(program, direct):
    run(program, direct)


@pytest.fixture
def django_outbox(sqlite_aliases, django_db_blocker):
    with django_db_blocker.unblock():
        yield on_django.Outbox(sqlite_aliases, is_on_sqlite=True)


@model
@given(program=programs)
def test_django_with_an_outbox(program, django_outbox):
    run(program, django_outbox)
