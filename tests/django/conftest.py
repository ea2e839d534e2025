"""The service under test: its default client, and its views."""

from __future__ import annotations

import pathlib

import pytest
from django.db import connections
from django.urls import path

from bc_events import DeliveryError, EventClient, events
from bc_events.errors import Undelivered

from . import (
    service,  # noqa: F401  sets Django up
    settings as module,
)
from .databases import alias, mariadb_alias, postgres_alias, sqlite_alias  # noqa: F401  they hold models
from .modes import service_of


class Remembering:
    """A delivery that remembers what was sent, call by call, and refuses it where told to."""

    record = None
    runner = None

    def __init__(self):
        self.calls = []
        self.refuses = False

    def discard(self, events):
        pass

    def send(self, events):
        if self.refuses:
            raise DeliveryError([Undelivered(event, "refused by the test", "refused") for event in events])
        self.calls.append(list(events))

    def close(self):
        pass

    @property
    def sent(self):
        return [event for call in self.calls for event in call]

    @property
    def ids(self):
        return [event.data["id"] for event in self.sent]

    @property
    def actors(self):
        return [event.actor.id for event in self.sent]


@pytest.fixture
def delivery():
    return Remembering()


@pytest.fixture(autouse=True)
def client_of_events(delivery):
    """The default client of each test here sends to `delivery`."""
    client = EventClient(None, "PolicyService", module.BC_EVENTS["TOPICS"], delivery=delivery)
    with events.override(client):
        yield client


class Urlconf:
    """Routes of one test."""

    def __init__(self, views):
        self.urlpatterns = [path(name, view) for name, view in views.items()]


@pytest.fixture
def serve(settings):
    """Makes a view the service's only one."""

    def serve(view, **more):
        settings.ROOT_URLCONF = Urlconf({"": view, **more})

    return serve


@pytest.fixture
def atomic_requests(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)


@pytest.fixture(scope="session", autouse=True)
def _files_go_away():
    yield
    for database in module.DATABASES.values():
        pathlib.Path(database["NAME"]).unlink(missing_ok=True)


@pytest.fixture(name="service", params=["direct", "outbox on sqlite", "outbox on postgres"])
def _service(request, delivery, django_db_blocker):
    mode, _, database = request.param.partition(" on ")
    using = request.getfixturevalue(f"{database or 'sqlite'}_alias")
    with django_db_blocker.unblock(), service_of(using, delivery if mode == "direct" else None) as made:
        yield made
