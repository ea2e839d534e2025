"""Failed requests whose error the framework has handled; and middlewares around and beside Django's."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient

from bc_events import ConfigurationError, events
from bc_events.integrations import asgi, wsgi

pytestmark = pytest.mark.django_db(transaction=True)


def publish(number):
    events.created_policy({"id": number})


def is_below_400(response):
    return response.status_code < 400


@pytest.fixture(params=["sync", "async"])
def get(request, client):
    return client.get if request.param == "sync" else lambda path: asyncio.run(AsyncClient().get(path))


@pytest.fixture
def success(settings):
    def success(rule):
        settings.BC_EVENTS = {**settings.BC_EVENTS, "SUCCESS": rule}

    return success


def handled(request):
    """As django-ninja answers for an HttpError: the view returns."""
    publish(1)
    with transaction.atomic():
        publish(2)
    return HttpResponse(status=409)


def test_a_handled_error_is_a_success_by_default(get, serve, delivery):
    serve(handled)
    get("/")
    assert sorted(delivery.ids) == [1, 2]


@pytest.mark.parametrize("rule", [is_below_400, f"{__name__}.is_below_400"], ids=["callable", "path"])
def test_the_application_says_which_responses_are_failures_of_what_no_transaction_holds(
    get, serve, delivery, success, rule
):
    success(rule)
    serve(handled)
    assert get("/").status_code == 409
    assert delivery.ids == [2]


def test_the_rule_holds_for_streams(client, serve, delivery, success):
    def view(request):
        def body():
            publish(1)
            yield b"a"

        return StreamingHttpResponse(body(), status=409)

    success(is_below_400)
    serve(view)
    b"".join(client.get("/"))
    assert delivery.ids == []


def test_code_of_the_request_may_decide_itself(get, serve, delivery, success):
    """A GraphQL error in a 200, and work that is done though the response is one of failure."""

    def view(request):
        publish(1)
        events.rollback()
        publish(2)
        events.flush()
        publish(3)
        return HttpResponse(status=400)

    success(is_below_400)
    serve(view)
    get("/")
    assert delivery.ids == [2]


def test_a_rule_that_raises_fails_the_request_and_ends_its_session(client, serve, delivery, success):
    def rule(_response):
        raise LookupError("no rule")

    success(rule)
    serve(handled)
    with pytest.raises(LookupError, match="no rule"):
        client.get("/")
    assert delivery.ids == [2]
    assert events.current_job_id() is None


def test_a_rule_that_cannot_be_called_is_refused(success, client, serve):
    success(True)
    serve(handled)
    with pytest.raises(ConfigurationError, match="SUCCESS"):
        client.get("/")


# More than one middleware


def test_a_middleware_that_is_there_twice_counts_once(get, serve, delivery, settings):
    def view(request):
        publish(1)
        raise LookupError

    settings.MIDDLEWARE = [*settings.MIDDLEWARE, settings.MIDDLEWARE[-1]]
    serve(view, fine=lambda request: HttpResponse(publish(2)))
    with pytest.raises(LookupError):
        get("/")
    get("/fine")
    assert delivery.ids == [2]


def test_django_that_another_asgi_application_mounts_is_in_the_job_of_the_request(serve, delivery):
    serve(lambda request: HttpResponse(publish("within")))
    within = get_asgi_application()

    async def app(scope, receive, send):
        publish("before")
        await within(scope, receive, send)

    async def get():
        transport = httpx.ASGITransport(asgi.EventsMiddleware(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            return await http.get("/")

    assert asyncio.run(get()).status_code == 200
    assert delivery.ids == ["before", "within"]
    assert len({event.job_id for event in delivery.sent}) == 1


def test_django_within_a_wsgi_middleware_is_in_the_job_of_the_request(serve, delivery):
    serve(lambda request: HttpResponse(publish("within")))
    within = get_wsgi_application()

    def app(environ, start_response):
        publish("before")
        return within(environ, start_response)

    with httpx.Client(transport=httpx.WSGITransport(wsgi.EventsMiddleware(app)), base_url="http://service") as http:
        assert http.get("/").status_code == 200
    assert delivery.ids == ["before", "within"]
    assert len({event.job_id for event in delivery.sent}) == 1
