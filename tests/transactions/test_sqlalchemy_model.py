"""The same programs on SQLAlchemyOutbox, with sessions and with connections without one, sync and async."""

from __future__ import annotations

import pytest
from hypothesis import given

from . import on_sqlalchemy
from .interpreter import run
from .programs import model, programs


@pytest.fixture(scope="module")
def sessions(folder):
    backend = on_sqlalchemy.Sync(f"sqlite:///{folder}/sync.db")
    yield backend
    backend.close()


@model
@given(program=programs)
def test_sqlalchemy(program, sessions):
    run(program, sessions)


@pytest.fixture(scope="module")
def async_sessions(folder):
    file = folder / "async.db"
    backend = on_sqlalchemy.Async(f"sqlite:///{file}", f"sqlite+aiosqlite:///{file}")
    yield backend
    backend.close()


@model
@given(program=programs)
def test_sqlalchemy_with_tasks(program, async_sessions):
    run(program, async_sessions)


@pytest.fixture(scope="module")
def connections(folder):
    backend = on_sqlalchemy.SyncCore(f"sqlite:///{folder}/core.db")
    yield backend
    backend.close()


@model
@given(program=programs)
def test_sqlalchemy_core(program, connections):
    run(program, connections)


@pytest.fixture(scope="module")
def async_connections(folder):
    file = folder / "async-core.db"
    backend = on_sqlalchemy.AsyncCore(f"sqlite:///{file}", f"sqlite+aiosqlite:///{file}")
    yield backend
    backend.close()


@model
@given(program=programs)
def test_sqlalchemy_core_with_tasks(program, async_connections):
    run(program, async_connections)
