"""Who acts in a request: the authenticated user, looked up only where something is published."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth import alogin, alogout, get_user_model, login, logout
from django.http import HttpResponse
from django.test import AsyncClient
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view, authentication_classes

from bc_events import Actor, events

pytestmark = pytest.mark.django_db(transaction=True)

ANN = "0a1b2c3d-0000-4000-8000-00000000000a"
SERVICE = "PolicyService"


@pytest.fixture
def ann():
    return get_user_model().objects.create_user(username=ANN)


def publishing(request):
    events.created_policy({"id": 1})
    return HttpResponse()


async def apublishing(request):
    events.created_policy({"id": 1})
    return HttpResponse()


def test_an_authenticated_user_is_the_actor(client, serve, delivery, ann):
    serve(publishing)
    client.force_login(ann)
    client.get("/")
    [event] = delivery.sent
    assert event.actor == Actor(ANN, "user")


def test_an_anonymous_user_is_the_service(client, serve, delivery):
    serve(publishing)
    client.get("/")
    [event] = delivery.sent
    assert event.actor == Actor(SERVICE, "service")


def test_a_user_s_own_sub_goes_before_the_username(client, serve, delivery, ann, monkeypatch):
    monkeypatch.setattr(get_user_model(), "sub", "cognito-sub-of-ann", raising=False)
    serve(publishing)
    client.force_login(ann)
    client.get("/")
    assert delivery.actors == ["cognito-sub-of-ann"]


def test_a_request_that_publishes_nothing_does_not_vary_on_the_cookie(client, serve, ann, django_assert_num_queries):
    """Touching `request.user` would mark the response as varying by cookie, and cost two queries."""

    def view(request):
        with events.session():
            return HttpResponse()

    serve(view)
    client.force_login(ann)
    with django_assert_num_queries(0):
        response = client.get("/")
    assert "Cookie" not in response.headers.get("Vary", "")


def test_an_asynchronous_request_that_publishes_nothing_does_not_either(serve, ann):
    async def view(request):
        return HttpResponse()

    serve(view)
    client = AsyncClient()
    client.force_login(ann)
    response = asyncio.run(client.get("/"))
    assert "Cookie" not in response.headers.get("Vary", "")


def test_a_login_within_the_request_changes_the_actor_from_there_on(client, serve, delivery, ann):
    def view(request):
        events.created_policy({"id": 1})
        login(request, ann)
        events.created_policy({"id": 2})
        logout(request)
        events.created_policy({"id": 3})
        return HttpResponse()

    serve(view)
    client.get("/")
    assert delivery.actors == [SERVICE, ANN, SERVICE]


def test_a_user_whom_rest_framework_authenticates_is_the_actor(client, serve, delivery, ann):
    class Always(BaseAuthentication):
        def authenticate(self, request):
            return ann, None

    @api_view(["GET"])
    @authentication_classes([Always])
    def view(request):
        return publishing(request)

    serve(view)
    client.get("/")
    assert delivery.actors == [ANN]


def test_the_actor_may_come_from_a_callable(client, serve, delivery, settings):
    settings.BC_EVENTS = {
        **settings.BC_EVENTS,
        "ACTOR": lambda request: Actor(request.headers["x-partner"], "third-party"),
    }
    serve(publishing)
    client.get("/", headers={"x-partner": "PartnerService"})
    [event] = delivery.sent
    assert event.actor == Actor("PartnerService", "third-party")


class TestAsync:
    """Async code must not query, so a user who is not loaded is looked up when the view has ended."""

    def get(self, ann=None):
        """As `ann`, or as somebody who has a session and is not logged in."""
        client = AsyncClient()
        if ann is not None:
            client.force_login(ann)
        else:
            session = client.session
            session["cart"] = 1
            session.save()
        return asyncio.run(client.get("/"))

    def test_the_user_of_an_async_view_is_the_actor(self, serve, delivery, ann):
        serve(apublishing)
        assert self.get(ann).status_code == 200
        assert delivery.actors == [ANN]

    def test_a_sync_view_under_the_async_handler_has_its_user_too(self, serve, delivery, ann):
        serve(publishing)
        assert self.get(ann).status_code == 200
        assert delivery.actors == [ANN]

    def test_a_user_whom_the_view_has_loaded_is_taken_at_the_call(self, serve, ann, delivery):
        async def view(request):
            await request.auser()
            assert events.created_policy({"id": 1}).actor == Actor(ANN, "user")
            return HttpResponse()

        serve(view)
        assert self.get(ann).status_code == 200
        assert delivery.actors == [ANN]

    def test_what_was_published_before_a_logout_is_the_user_s(self, serve, delivery, ann):
        async def view(request):
            events.created_policy({"id": 1})
            await alogout(request)
            events.created_policy({"id": 2})
            return HttpResponse()

        serve(view)
        assert self.get(ann).status_code == 200
        assert delivery.actors == [ANN, SERVICE]

    def test_what_was_published_before_a_login_is_not_the_new_user_s(self, serve, delivery, ann):
        async def view(request):
            events.created_policy({"id": 1})
            await alogin(request, ann, "django.contrib.auth.backends.ModelBackend")
            events.created_policy({"id": 2})
            return HttpResponse()

        serve(view)
        assert self.get().status_code == 200
        assert delivery.actors == [SERVICE, ANN]

    def test_a_flush_by_hand_finds_the_user_though_nobody_has_loaded_them(self, serve, delivery, ann):
        async def view(request):
            events.created_policy({"id": 1})
            events.flush()
            assert [event.actor.id for event in delivery.sent] == [ANN]
            return HttpResponse()

        serve(view)
        assert self.get(ann).status_code == 200

    def test_a_session_of_another_job_within_the_view_has_the_user_too(self, serve, delivery, ann):
        async def view(request):
            async with events.session("another-job"):
                events.created_policy({"id": 1})
            return HttpResponse()

        serve(view)
        assert self.get(ann).status_code == 200
        assert [event.request_json["actor"]["id"] for event in delivery.sent] == [ANN]

    def test_a_user_who_cannot_be_looked_up_fails_the_request_and_drops_its_events(self, serve, delivery, settings):
        def actor(request):
            from django.core.exceptions import SynchronousOnlyOperation

            try:
                asyncio.get_running_loop()
            except RuntimeError:
                raise LookupError from None
            raise SynchronousOnlyOperation

        settings.BC_EVENTS = {**settings.BC_EVENTS, "ACTOR": actor}
        serve(apublishing)
        with pytest.raises(LookupError):
            self.get()
        assert delivery.sent == []
