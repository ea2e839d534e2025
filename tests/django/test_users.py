"""Users of every kind act: none breaks a view, and one whom other services cannot know is not told to them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from uuid import UUID

import celery
import pytest
from celery import signals
from celery.contrib.django.task import DjangoTask
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpResponse
from django.test import AsyncClient

from bc_events import Actor, events
from bc_events.integrations.celery import install
from bc_events.integrations.django.actor import cognito_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def short():
    return get_user_model().objects.create_user(username="u-17")


@pytest.fixture
def task():
    app = celery.Celery("service", broker="memory://", task_cls=DjangoTask, set_as_current=False)
    app.conf.task_default_queue = "users"  # other applications of this process share the broker
    install(app)

    @app.task(name="renew", shared=False)
    def renew():
        """Never runs: it is only enqueued."""

    yield renew
    app.close()


@pytest.fixture
def sent():
    """The headers of each message that went out."""
    found = []

    def remember(headers, **_):
        found.append(headers)

    signals.before_task_publish.connect(remember)
    yield found
    signals.before_task_publish.disconnect(remember)


def publishing(request):
    events.created_policy({"id": 1})
    return HttpResponse()


def test_a_user_of_a_short_name_acts_by_primary_key(client, serve, delivery, short):
    serve(publishing)
    client.force_login(short)
    assert client.get("/").status_code == 200
    assert delivery.actors == [f"user-{short.pk}"]


class User:
    """A user as an authentication backend may return one."""

    is_authenticated = True
    pk = 17

    def __init__(self, username, **more):
        self.username = username
        self.__dict__.update(more)

    def get_username(self):
        return self.username


@pytest.mark.parametrize(
    ("user", "actor"),
    [
        (User("ann", sub="cognito-sub"), "cognito-sub"),
        (User("ann-of-sales", sub=""), "ann-of-sales"),
        (User("ann-of-sales", sub="abc"), "ann-of-sales"),
        (User("ann-of-sales", sub=UUID(int=9)), str(UUID(int=9))),
        (User("ann-of-sales", sub={"id": "cognito-sub"}), "ann-of-sales"),
        (User("ann-of-sales", sub=object.__repr__), "ann-of-sales"),
        (User("ann-of-sales", sub=b"cognito-sub"), "ann-of-sales"),
        (User(["ann", "of", "sales"]), "user-17"),
        (User(4711), "user-17"),
        (User(47110), "47110"),
        (User(None), "user-17"),
        (User(""), "user-17"),
        (User("\ud800" * 6), "user-17"),
        (User("ann", pk="a"), "user-a"),
    ],
    ids=lambda value: value if isinstance(value, str) else "user",
)
def test_no_user_is_refused(user, actor):
    assert cognito_user(SimpleNamespace(user=user)) == Actor(actor, "user")


def test_an_id_of_this_service_alone_does_not_travel(client, serve, short, task, sent, caplog):
    """`user-17` is somebody else in another service."""

    def view(request):
        task.delay()
        return HttpResponse()

    serve(view)
    client.force_login(short)
    assert client.get("/").status_code == 200
    assert ["x-britecore-actor-id" in headers for headers in sent] == [False]
    assert [record.levelname for record in caplog.records if record.name == "bc.events"] == ["WARNING"]


@pytest.mark.parametrize("handler", ["sync", "async"])
@pytest.mark.parametrize("broken", [LookupError, TypeError])
def test_a_broken_lookup_breaks_no_view_that_only_enqueues(client, serve, settings, task, sent, handler, broken):
    def actor(_request):
        raise broken

    def view(request):
        task.delay()
        return HttpResponse()

    settings.BC_EVENTS = {**settings.BC_EVENTS, "ACTOR": actor}
    serve(view)
    response = client.get("/") if handler == "sync" else asyncio.run(AsyncClient().get("/"))
    assert response.status_code == 200
    assert ["x-britecore-job-id" in headers for headers in sent] == [True]


@pytest.mark.parametrize("found", [lambda _: Actor("ann", "user"), lambda _: "ann-of-sales"], ids=["short", "text"])
def test_an_actor_that_cannot_be_used_is_the_service(client, serve, settings, delivery, found, caplog):
    settings.BC_EVENTS = {**settings.BC_EVENTS, "ACTOR": found}
    serve(publishing)
    assert client.get("/").status_code == 200
    assert delivery.actors == ["PolicyService"]
    assert [record.levelname for record in caplog.records if record.name == "bc.events"] == ["WARNING"]


@pytest.mark.parametrize("call", ["delay_on_commit", "apply_async_on_commit"])
def test_a_task_that_waits_for_the_commit_goes_out_under_the_session_that_called_it(task, sent, call):
    """Also where that ends before the transaction does (celery/celery#8976)."""
    with transaction.atomic():
        with events.user_context("user-one", "job-1"):
            getattr(task, call)()
        with events.session("job-2"):
            getattr(task, call)()
        assert sent == []
    assert [(one["x-britecore-job-id"], one.get("x-britecore-actor-id")) for one in sent] == [
        ("job-1", "user-one"),
        ("job-2", None),
    ]


def test_headers_that_are_given_to_such_a_task_stay(task, sent):
    with transaction.atomic(), events.session("job-1"):
        task.apply_async_on_commit(headers={"x-britecore-job-id": "job-2", "other": "kept"})
    assert [(one["x-britecore-job-id"], one["other"]) for one in sent] == [("job-2", "kept")]
