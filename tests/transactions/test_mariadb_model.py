"""Some of the same programs on MariaDB; the long run has more of them, and another driver."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from . import on_django, on_sqlalchemy
from .databases import django_aliases
from .interpreter import run
from .programs import model, programs

some = settings(model, max_examples=40)


@pytest.fixture(scope="module")
def urls(mariadb):
    for name in ("synchronous", "asynchronous"):
        mariadb.create_database(name)
    return (
        mariadb.url("synchronous"),
        mariadb.url("asynchronous"),
        mariadb.url("asynchronous", driver="mysql+asyncmy"),
    )


@pytest.fixture(scope="module", params=[on_sqlalchemy.Sync, on_sqlalchemy.SyncCore], ids=["sessions", "Core"])
def synchronous(request, urls):
    backend = request.param(urls[0])
    yield backend
    backend.close()


@pytest.fixture(scope="module", params=[on_sqlalchemy.Async, on_sqlalchemy.AsyncCore], ids=["sessions", "Core"])
def asynchronous(request, urls):
    backend = request.param(*urls[1:])
    yield backend
    backend.close()


@some
@given(program=programs)
def test_sqlalchemy(program, synchronous):
    run(program, synchronous)


@some
@given(program=programs)
def test_sqlalchemy_with_tasks(program, asynchronous):
    run(program, asynchronous)


@pytest.fixture(scope="module")
def aliases(mariadb, django_db_blocker):
    with django_db_blocker.unblock(), django_aliases("mariadb", server=mariadb) as names:
        yield names


@pytest.mark.parametrize("kind", ["direct", "outbox"])
@some
@given(program=programs)
def test_django(program, aliases, kind, django_db_blocker):
    with django_db_blocker.unblock():
        made = on_django.Direct(aliases) if kind == "direct" else on_django.Outbox(aliases, is_on_sqlite=False)
        run(program, made)
