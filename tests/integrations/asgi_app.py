"""An ASGI application behind the middleware, and calls of it without a server."""

from starlette.applications import Starlette
from starlette.routing import Route

from bc_events.integrations.asgi import EventsMiddleware

JOB = {"x-britecore-job-id": "job-1"}


def app_of(endpoint, client, **settings):
    """`endpoint` behind the middleware, which is outermost."""
    return EventsMiddleware(Starlette(routes=[Route("/", endpoint)]), client=client, **settings)


async def called(app, *, receive=None, send=None, headers=(), spec="2.4"):
    """One ASGI call without a server; returns the messages that the application sent."""
    messages = []

    async def keep(message):
        messages.append(message)

    async def nothing():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": list(headers)}
    scope |= {
        "asgi": {"version": "3.0", "spec_version": spec},
        "http_version": "1.1",
        "root_path": "",
        "scheme": "http",
    }
    await app(scope, receive or nothing, send or keep)
    return messages
