"""Every argument of every public constructor refuses an object of the wrong kind where it is given, by its name."""

import importlib
import inspect

import celery
import httpx
import pytest
import requests
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bc_events import Actor, EventClient, EventsError, EventSession, TopicTable, events
from bc_events.integrations import asgi, aws, wsgi
from bc_events.integrations.celery import install as install_celery
from bc_events.integrations.django import follow_transactions
from bc_events.integrations.httpx import install as install_httpx
from bc_events.integrations.requests import install as install_requests
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay, RelaySettings, SQLAlchemyOutbox, SQLiteOutbox, StreamRelay, named, outbox_table
from bc_events.outbox.django.outbox import DjangoOutbox
from bc_events.propagation import Border, extract, inject

TOPICS = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}
CLIENT = EventClient(None, "TestService", TOPICS)
RELAYED = EventClient("http://127.0.0.1:9", "TestService", TOPICS, outbox=SQLiteOutbox("events.db", relay=False))


async def asgi_application(scope, receive, send): ...


def wsgi_application(environ, start_response): ...


RIGHT = {
    EventClient: {"api_url": None, "service_name": "TestService", "topic_definitions": TOPICS},
    EventSession: {"actor_id": "user-1", "actor_type": "user", "job_id": None, "client": CLIENT},
    Actor: {"id": "user-1", "type": "user"},
    TopicTable.read: {"source": TOPICS},
    events.configure: {"client": CLIENT},
    events.override: {"client": CLIENT},
    events.session: {},
    events.user_context: {"user_id": "user-1"},
    events.service_context: {},
    events.third_party_context: {},
    SQLiteOutbox: {"path": "events.db"},
    SQLAlchemyOutbox: {"target": create_engine("sqlite:///events.db")},
    DjangoOutbox: {},
    RelaySettings: {},
    Relay.of: {"client": RELAYED},
    StreamRelay: {"client": RELAYED, "on_dead": print},
    asgi.EventsMiddleware: {"app": asgi_application},
    wsgi.EventsMiddleware: {"app": wsgi_application},
    aws.each_record: {},
    aws.request: {},
    install_celery: {"app": celery.Celery()},
    install_requests: {"session": requests.Session(), "hosts": ["localhost"]},
    install_httpx: {"client": httpx.Client(), "hosts": ["localhost"]},
    LocalEventsAPI: {},
    Border: {},
}
"""The arguments without which each cannot be called."""

NAMED_OTHERWISE = {
    "api_url": "api_url",
    "actor_id": "actor id|actor_id",
    "actor_type": "actor type|actor_type",
    "id": "actor id",
    "type": "actor type",
    "job_id": "job id|job_id",
    "source": "topic definitions|file",
    "target": "outbox|engine|session factory",
    "topic_definitions": "topic definitions",
    "user_id": "actor id",
}


class Stranger:
    """An object of a kind that no argument takes."""


def _cases():
    for made, right in RIGHT.items():
        parameters = inspect.signature(made).parameters.values()
        for parameter in parameters:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                yield pytest.param(
                    made, right, parameter.name, id=f"{made.__module__}.{made.__qualname__}-{parameter.name}"
                )


@pytest.mark.parametrize(("made", "right", "name"), list(_cases()))
def test_an_object_of_the_wrong_kind_is_refused_by_the_name_of_its_argument(made, right, name):
    """An AttributeError or TypeError from within would name neither the argument nor what to give."""
    with pytest.raises((EventsError, TypeError), match=f"(?i){NAMED_OTHERWISE.get(name, name)}") as caught:
        made(**{**right, name: Stranger()})
    assert "Stranger object at" not in str(caught.value)


def _misspelt():
    for made, right in RIGHT.items():
        if made in CALLED_OFTEN:
            continue
        for name, parameter in inspect.signature(made).parameters.items():
            if len(name) > 3 and parameter.kind is not parameter.VAR_POSITIONAL:
                yield pytest.param(made, right, name, id=f"{made.__module__}.{made.__qualname__}-{name}")


CALLED_OFTEN = {
    *(Actor, TopicTable.read, SQLAlchemyOutbox, events.configure, events.override),
    *(events.session, events.user_context, events.service_context, events.third_party_context),
}
"""Python itself names the wrong keyword; from 3.13 on the right one too. (`configure` has a test of its own.)"""


@pytest.mark.parametrize(("made", "right", "name"), list(_misspelt()))
def test_a_misspelt_keyword_is_answered_with_the_right_one(made, right, name):
    wrong = f"{name[:-2]}{name[-1]}"
    with pytest.raises(TypeError) as caught:
        made(**right, **{wrong: None})
    assert str(caught.value).endswith(f"has no argument {wrong}; did you mean {name}?")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: CLIENT.user_session("user-1", jobid="j"),
            "EventClient.user_session has no argument jobid; did you mean",
        ),
        (lambda: CLIENT.service_session(jop_id="j"), "did you mean job_id"),
        (lambda: inject({}, clinet=CLIENT), "inject has no argument clinet; did you mean client"),
        (lambda: extract({}, bordr=None), "extract has no argument bordr; did you mean border"),
    ],
)
def test_a_misspelt_keyword_of_a_function_is_answered_too(call, told):
    with pytest.raises(TypeError, match=told):
        call()


def test_a_keyword_that_is_near_to_none_is_answered_with_all():
    with pytest.raises(TypeError, match="RelaySettings has no argument x; it has lease, poll, retry, pause, alarm"):
        RelaySettings(x=3)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda value: EventClient(None, "TestService", TOPICS, auth=value), "auth"),
        (lambda value: EventClient(None, "TestService", TOPICS, enrichers=[value]), "enrichers"),
        (lambda value: asgi.EventsMiddleware(asgi_application, success=value), "success"),
        (lambda value: wsgi.EventsMiddleware(wsgi_application, actor=value), "actor"),
        (lambda value: aws.each_record(payload=value), "payload"),
        (lambda value: LocalEventsAPI(on_request=value), "on_request"),
        (lambda value: LocalEventsAPI(on_unsent=value), "on_unsent"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_coroutine_function_that_nobody_would_await_is_refused(made, name):
    async def look_up(*_): ...

    with pytest.raises(EventsError, match=rf"{name}.* is a coroutine function"):
        made(look_up)


@pytest.mark.parametrize("border", [Stranger(), "HTTP", None])
def test_extract_refuses_what_is_not_a_border(border):
    with pytest.raises(EventsError, match="border"):
        extract({}, border)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: EventClient(None, "TestService", TopicTable), "topic_definitions is the class TopicTable"),
        (lambda: EventClient(None, "TestService", TOPICS["Topics"]), "it is a list"),
        (lambda: EventClient(None, "TestService", TOPICS, http=requests.Session), "http is the class Session"),
        (lambda: EventClient(None, "TestService", TOPICS, outbox=SQLiteOutbox), "outbox is the class SQLiteOutbox"),
        (lambda: EventClient(None, "TestService", TOPICS, delivery=type(CLIENT.delivery)), "delivery is the class"),
        (
            lambda: EventClient(None, "TestService", TOPICS, outbox=RELAYED.outbox, delivery=CLIENT.delivery),
            "outbox and delivery are both given",
        ),
        (lambda: EventClient(None, "TestService", TOPICS, enrichers=[dict]), r"enrichers\[0\] is the class dict"),
        (lambda: EventClient(None, "TestService", TOPICS, timeout=3), "timeout is 3; give a pair"),
        (lambda: EventClient(None, "TestService", TOPICS, timeout=(0, 3)), "timeout is a tuple of 0, 3; give a pair"),
        (lambda: EventClient(None, "TestService", TOPICS, timeout=()), "timeout is a tuple of nothing; give a pair"),
        (lambda: EventClient(None, " \t   ", TOPICS), "service_name is only white space"),
        (
            lambda: EventClient("https://${API_HOST}", "TestService", TOPICS),
            r"has the host '\$\{API_HOST\}', which .*: a placeholder was left in it",
        ),
        (lambda: EventClient("https://a..b", "TestService", TOPICS), "has the host 'a..b', which cannot be one"),
        (lambda: EventClient("https://.com", "TestService", TOPICS), "has the host '.com', which cannot be one"),
        (lambda: Actor(" " * 9, "user"), "the actor id of a user is only white space"),
        (lambda: Actor("", "user"), "the actor id of a user is empty"),
        (lambda: install_requests(requests.Session, hosts=["localhost"]), "session is the class Session"),
        (lambda: install_httpx(httpx.Client, hosts=["localhost"]), "client is the class Client"),
        (lambda: events.configure(EventClient), "configure was given the class EventClient"),
        (lambda: SQLAlchemyOutbox(Session), "target is the class Session; give a URL"),
        (lambda: SQLAlchemyOutbox(create_engine("sqlite://").connect()), "target is a Connection; give a URL"),
        (lambda: outbox_table(None), "metadata is None"),
        (lambda: named(3), "name is 3"),
        (lambda: LocalEventsAPI(allowed_hosts="events"), "allowed_hosts is a str; give a list of names"),
        (lambda: LocalEventsAPI(replay_to=[3]), "an item of replay_to is 3; give a list of URLs"),
        (lambda: LocalEventsAPI(forward="nowhere"), "forward is not a URL; give one such as"),
        (lambda: follow_transactions(3), "follow_transactions was given 3"),
        (lambda: inject(None), "carrier is None"),
        (lambda: inject([]), "carrier is a list"),
        (lambda: inject({}, setter=dict.update), "setter is a method_descriptor"),
        (lambda: extract({}, getter={}.get), "getter is a builtin_function_or_method"),
        (lambda: aws.inject(None), "attributes is None"),
        (lambda: CLIENT.get_topic(None, "Test", {"secret": 1}), "action is a dict; give its name as text"),
        (lambda: CLIENT.get_topic(["testing"], "Test", "Created"), "category is a list; give its name"),
        (lambda: CLIENT.get_topic("testing", None, "Created"), "entity is None; give its name as text"),
        (lambda: RELAYED.resend(ValueError()), "error is a ValueError"),
        (lambda: events.resend(None), "error is None"),
        (lambda: aws.each_record(wsgi_application), r"write @each_record\(\) with its parentheses"),
        (lambda: aws.request(wsgi_application), r"write @request\(\) with its parentheses"),
        (lambda: aws.each_record()(3), "the handler is 3"),
    ],
)
def test_a_class_or_another_object_near_to_the_right_one_is_refused_by_the_name_of_its_argument(call, told):
    with pytest.raises((EventsError, TypeError), match=told):
        call()


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda api: api.wait(3), "q is 3"),
        (lambda api: api.wait(count="3"), "count is a str"),
        (lambda api: api.wait(timeout="1"), "timeout is a str"),
        (lambda api: api.events(limit="x"), "limit is a str"),
        (lambda api: api.events(after="x"), "after is a str"),
        (lambda api: api.delete(3), "q is 3"),
        (lambda api: api.faults(seed="x"), "seed is a str"),
    ],
)
def test_the_local_api_refuses_an_argument_of_the_wrong_kind_by_its_name(local_api, ask, told):
    with pytest.raises(EventsError, match=told):
        ask(local_api)


def test_a_local_api_with_any_free_port_has_no_url_before_it_starts():
    """It would be http://127.0.0.1:0, which a client takes."""
    with pytest.raises(EventsError, match="no port yet; read its url after start"):
        LocalEventsAPI().url  # noqa: B018
    assert LocalEventsAPI(9000).url == "http://127.0.0.1:9000"


PUBLIC = (
    *("bc_events", "bc_events.events", "bc_events.local", "bc_events.outbox", "bc_events.propagation"),
    *("bc_events.testing", "bc_events.outbox.django"),
    *(f"bc_events.integrations.{name}" for name in ("asgi", "aws", "celery", "httpx", "requests", "wsgi")),
)
ELSEWHERE = {
    *("inject", "extract", "named", "outbox_table", "resend"),  # the table of near objects
    *("publish",),  # test_mistakes
    *("StreamRecord",),  # tests/outbox/test_stream_relay.py: what cannot be read becomes a DeadRecord
    *("propagate", "detached"),  # tests of decorators
    *("capture_events", "deterministic_events", "CapturedEvents", "message_session"),  # tests of their packages
}
GIVEN = {
    "DeadRecord",
    "Event",
    "Topic",
    "TopicTable",
    "Relay",
    "ReceivedEvent",
    "ReceivedRequest",
    "Inbound",
    "Stage",
    "Fault",
} | {
    *("JobLine", "LineEvent", "LineRequest", "LineSession", "Unsent"),
}
"""The library makes them, or has a function for it."""
WITHOUT_ARGUMENTS = {"Delivery", "Outbox", "Store", "CapturesEvents"} | {
    *("aflush", "current_job_id", "current_session", "default_client", "flush", "rollback")
}


def test_every_public_name_that_takes_arguments_is_in_a_table():
    covered = {made.__qualname__.partition(".")[0] for made in RIGHT} | ELSEWHERE | GIVEN | WITHOUT_ARGUMENTS
    for module in map(importlib.import_module, PUBLIC):
        found = {name: getattr(module, name) for name in module.__all__}
        is_error = {name for name, one in found.items() if isinstance(one, type) and issubclass(one, Exception)}
        assert {name for name, one in found.items() if callable(one)} - is_error <= covered, module.__name__


@pytest.fixture(scope="module")
def local_api():
    with LocalEventsAPI() as api:
        yield api
