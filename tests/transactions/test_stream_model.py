"""Some of the same programs on outboxes that are streams; the long run has more of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from . import on_django, on_sqlalchemy
from .databases import django_aliases
from .interpreter import run
from .programs import model, programs

some = settings(model, max_examples=25)


@pytest.fixture(scope="module", params=["postgres", "mariadb"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module", params=[on_sqlalchemy.Stream, on_sqlalchemy.StreamCore], ids=["sessions", "Core"])
def stream(request, server):
    name = f"stream-{request.param.__name__}"
    server.create_database(name)
    backend = request.param(server.url(name))
    yield backend
    backend.close()


@some
@given(program=programs)
def test_sqlalchemy(program, stream):
    run(program, stream)


@pytest.fixture(scope="module")
def django_stream(server, django_db_blocker):
    with django_db_blocker.unblock(), django_aliases("stream-model", server=server) as names:
        yield on_django.Stream(names, server.url(names["default"]))


@some
@given(program=programs)
def test_django(program, django_stream, django_db_blocker):
    with django_db_blocker.unblock():
        run(program, django_stream)
