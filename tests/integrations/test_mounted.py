"""Middlewares within middlewares: one request is one job, in one session of each client."""

import asyncio
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from bc_events import Actor, EventClient, events
from bc_events.integrations import asgi, aws, wsgi
from bc_events.propagation import BROKER, HTTP

from .conftest import TOPICS, Remembering, serving

JOB = "x-britecore-job-id"


class Around(BaseHTTPMiddleware):
    """Publishes on both sides of the mounted application, which it runs in another task."""

    async def dispatch(self, request, call_next):
        events.created_test({"at": "before"})
        response = await call_next(request)
        events.created_test({"at": "after"})
        return response


def page(status=200):
    async def page(_request):
        events.created_test({"at": "inside"})
        return PlainTextResponse("", status)

    return page


def mounted(outer_client, *, view=None, outer=None, **inner):
    """An application with a middleware of its own, in another one with the same middleware."""
    within = Starlette(routes=[Route("/page", view or page())], middleware=[Middleware(asgi.EventsMiddleware, **inner)])
    return Starlette(
        routes=[Mount("/mounted", within)],
        middleware=[Middleware(asgi.EventsMiddleware, client=outer_client, **(outer or {})), Middleware(Around)],
    )


def get(app, **headers):
    async def get():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            return await http.get("/mounted/page", headers=headers)

    return asyncio.run(get())


@pytest.mark.parametrize("headers", [{}, {JOB: "job-1"}], ids=["no header", "header"])
def test_a_mounted_application_stays_in_the_job_and_the_session_of_its_request(headers, client, delivery):
    assert get(mounted(client), **headers).status_code == 200
    assert [data["at"] for data in delivery.data] == ["before", "inside", "after"]
    assert len(set(delivery.jobs)) == 1
    assert headers.get(JOB) in (None, delivery.jobs[0])


def test_the_outer_middleware_alone_sends(client, delivery):
    """It may have another rule of what success is."""
    sent = []
    delivery.on_send = lambda: sent.append(len(delivery.sent))
    get(mounted(client))
    assert sent == [0]


def test_an_inner_rule_of_success_drops_what_was_published_within_it_alone(client, delivery):
    app = mounted(client, view=page(409), outer={"success": lambda _: True})
    assert get(app).status_code == 409
    assert [data["at"] for data in delivery.data] == ["before", "after"]


def test_an_outer_rule_of_success_drops_it_too(client, delivery):
    get(mounted(client, view=page(409), success=lambda _: True))
    assert delivery.sent == []


def test_an_exception_within_drops_all(client, delivery):
    async def view(_request):
        events.created_test({"at": "inside"})
        raise LookupError

    with pytest.raises(LookupError):
        get(mounted(client, view=view))
    assert delivery.sent == []


def test_an_inner_border_chooses_no_other_job_but_may_name_the_actor(client, delivery):
    app = mounted(client, outer={"border": HTTP}, border=BROKER)
    get(app, **{JOB: "job-1", "x-britecore-actor-id": "user-one", "x-britecore-actor-type": "user"})
    assert set(delivery.jobs) == {"job-1"}
    service = ("PolicyService", "service")
    assert delivery.actors == [service, ("user-one", "user"), service]


def test_an_inner_actor_acts_within_alone(client, delivery):
    get(mounted(client, actor=lambda _: Actor("user-one", "user")))
    assert [actor[0] for actor in delivery.actors] == ["PolicyService", "user-one", "PolicyService"]


def test_an_inner_client_has_a_session_of_its_own_under_the_same_job(client, delivery):
    other = Remembering()
    get(mounted(client, client=EventClient(None, "ClaimService", TOPICS, delivery=other)))
    assert ([data["at"] for data in delivery.data], [data["at"] for data in other.data]) == (
        ["before", "after"],
        ["inside"],
    )
    assert set(delivery.jobs) == set(other.jobs)
    assert other.actors == [("ClaimService", "service")]


def test_a_middleware_that_was_added_twice_counts_once(client, delivery):
    async def stream(_request):
        async def body():
            events.created_test({"at": "stream"})
            yield b"a"

        return StreamingResponse(body())

    twice = [Middleware(asgi.EventsMiddleware, client=client)] * 2
    get(Starlette(routes=[Route("/mounted/page", stream)], middleware=twice))
    assert delivery.data == [{"at": "stream"}]


def test_two_requests_on_one_connection_never_share_a_job(client, delivery):
    """A server may start the second in the context of the first (python/cpython#140947)."""
    with serving(mounted(client)) as url:
        host, port = url.removeprefix("http://").split(":")
        request = b"GET /mounted/page HTTP/1.1\r\nHost: service\r\n%s\r\n"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request % b"" + request % b"Connection: close\r\n")
            while connection.recv(4096):
                pass
    assert [data["at"] for data in delivery.data] == ["before", "inside", "after"] * 2
    assert [delivery.jobs.count(job) for job in dict.fromkeys(delivery.jobs)] == [3, 3]


# WSGI


def called(app, environ=None):
    response = app(environ if environ is not None else {}, lambda *_: None)
    try:
        list(response)
    finally:
        response.close()


def streaming(status="200 OK"):
    def app(_environ, start_response):
        events.created_test({"at": "call"})
        start_response(status, [])

        def body():
            yield b""
            events.created_test({"at": "body"})
            yield b"a"

        return body()

    return app


def silent(_environ, start_response):
    start_response("200 OK", [])
    return []


def outside(app):
    """Publishes around the inner application, whose body it hands on as it is."""

    def around(environ, start_response):
        events.created_test({"at": "before"})
        return app(environ, start_response)

    return around


def test_wsgi_within_wsgi_is_one_job_also_while_it_streams(client, delivery):
    inner = wsgi.EventsMiddleware(streaming(), client=client)
    called(wsgi.EventsMiddleware(outside(inner), client=client))
    assert [data["at"] for data in delivery.data] == ["before", "call", "body"]
    assert len(set(delivery.jobs)) == 1


def test_wsgi_within_wsgi_fails_by_its_own_rule(client, delivery):
    inner = wsgi.EventsMiddleware(streaming("409 Conflict"))
    called(wsgi.EventsMiddleware(outside(inner), client=client, success=lambda _: True))
    assert delivery.data == [{"at": "before"}]


def test_an_environ_that_is_used_again_is_another_request(client, delivery):
    app, environ = wsgi.EventsMiddleware(streaming(), client=client), {}
    called(app, environ)
    called(app, environ)
    assert len(set(delivery.jobs)) == 2


def test_wsgi_that_an_asgi_application_mounts_is_in_its_job(client, delivery):
    """As a2wsgi does it: on a thread with the context of the request, and with its scope in the environ."""
    within = wsgi.EventsMiddleware(streaming(), client=client)

    async def app(scope, _receive, send):
        events.created_test({"at": "before"})
        await asyncio.to_thread(called, within, {"asgi.scope": scope})
        await send({"type": "http.response.start", "status": 200})

    async def nothing(_message=None):
        pass

    asyncio.run(asgi.EventsMiddleware(app, client=client)({"type": "http", "headers": []}, nothing, nothing))
    assert [data["at"] for data in delivery.data] == ["before", "call", "body"]
    assert len(set(delivery.jobs)) == 1


# Rules of the application that raise


@pytest.mark.parametrize("integration", ["asgi", "wsgi"])
def test_a_lookup_of_the_actor_that_raises_breaks_only_what_publishes(integration, client, delivery):
    def broken(_request):
        raise LookupError("no user")

    for publishes in (False, True):
        if integration == "asgi":

            async def app(_scope, _receive, send, publishes=publishes):
                if publishes:
                    events.created_test({"id": 1})
                await send({"type": "http.response.start", "status": 200})

            async def nothing(_message=None):
                pass

            def request(app=app, nothing=nothing):
                middleware = asgi.EventsMiddleware(app, client=client, actor=broken)
                asyncio.run(middleware({"type": "http", "headers": []}, nothing, nothing))

        else:

            def request(publishes=publishes):
                app = streaming() if publishes else silent
                called(wsgi.EventsMiddleware(app, client=client, actor=broken))

        if publishes:
            with pytest.raises(LookupError, match="no user"):
                request()
        else:
            request()
    assert delivery.sent == []


@pytest.mark.parametrize(
    "actor", [lambda _: Actor("ann", "user"), lambda _: "user-one"], ids=["too short", "not an actor"]
)
def test_an_actor_that_cannot_be_used_is_the_service(actor, client, delivery, caplog):
    called(wsgi.EventsMiddleware(streaming(), client=client, actor=actor))
    assert set(delivery.actors) == {("PolicyService", "service")}
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_rule_of_success_that_raises_ends_the_session(client, delivery):
    def rule(_status):
        raise LookupError("no rule")

    with pytest.raises(LookupError):
        called(wsgi.EventsMiddleware(streaming(), client=client, success=rule))
    with pytest.raises(LookupError):
        get(mounted(client, outer={"success": rule}))
    with pytest.raises(LookupError):
        aws.request(client=client, success=rule)(lambda *_: events.created_test({"id": 1}))({}, None)
    assert events.current_job_id() is None
    assert delivery.sent == []


# Requests that are authenticated on their way


def lookup(store, *, missing):
    """Of the user in `store`: it returns None or raises while nobody is there."""

    def user_of(_request):
        if not store and missing == "raises":
            raise LookupError("not authenticated yet")
        return Actor(store[-1], "user") if store else None

    return user_of


@pytest.mark.parametrize("missing", ["returns None", "raises"])
@pytest.mark.parametrize("integration", ["asgi", "wsgi"])
def test_an_actor_who_is_known_only_after_the_session_has_opened_is_found(integration, missing, client, delivery):
    """As in Flask's `before_request`, or in a middleware further in."""
    users = []

    def work():
        users.append("user-one")
        events.created_test({"id": 1})
        users.append("user-two")
        events.created_test({"id": 2})

    actor = lookup(users, missing=missing)
    if integration == "asgi":

        async def app(_scope, _receive, send):
            work()
            await send({"type": "http.response.start", "status": 200})

        async def nothing(_message=None):
            pass

        asyncio.run(
            asgi.EventsMiddleware(app, client=client, actor=actor)({"type": "http", "headers": []}, nothing, nothing)
        )
    else:

        def app(_environ, start_response):
            work()
            start_response("200 OK", [])
            return []

        called(wsgi.EventsMiddleware(app, client=client, actor=actor))
    assert delivery.actors == [("user-one", "user"), ("user-two", "user")]


def test_a_request_that_nobody_is_found_for_is_the_service_s(client, delivery):
    called(wsgi.EventsMiddleware(streaming(), client=client, actor=lookup([], missing="returns None")))
    assert set(delivery.actors) == {("PolicyService", "service")}


def test_an_inner_lookup_that_finds_nobody_leaves_the_outer_actor(client, delivery):
    outer = {"actor": lambda _: Actor("user-one", "user")}
    get(mounted(client, outer=outer, actor=lookup([], missing="returns None")))
    assert set(delivery.actors) == {("user-one", "user")}


def test_a_lookup_may_return_a_lazy_actor_late(client, delivery):
    class Lazy:
        id, type, tail = "user-one", "user", b""

        def now(self):
            return Actor(self.id, self.type)

    found = []

    def app(_environ, start_response):
        found.append(Lazy())
        events.created_test({"id": 1})
        assert events.current_session().actor_id == "user-one"
        start_response("200 OK", [])
        return []

    called(wsgi.EventsMiddleware(app, client=client, actor=lambda _: found[-1] if found else None))
    assert delivery.actors == [("user-one", "user")]
