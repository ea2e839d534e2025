"""Each entry point accepts the same values from outside, and no value breaks it."""

import asyncio
import json
import logging

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from hypothesis import given, settings, strategies as st

from bc_events import ConfigurationError, EventClient, events
from bc_events.integrations import asgi, aws, celery, wsgi
from bc_events.propagation import BROKER, Inbound, extract
from tests.outside_values import ARRIVALS, JOB, SERVICE

from .aws_events import alb_event, event_bridge_event, http_api_event, rest_api_event, sns_event, sqs_record
from .conftest import TOPICS, Remembering

OPTIONS = {"border": BROKER}


def publish(*_):
    events.created_test({"id": 1})


def by_asgi(client, arrival):
    async def app(_scope, _receive, send):
        publish()
        await send({"type": "http.response.start", "status": 200})

    async def nothing(_message=None):
        pass

    raw = [(name.title().encode(), value.encode("latin-1")) for name, value in arrival.pairs]
    middleware = asgi.EventsMiddleware(app, client=client, **OPTIONS)
    asyncio.run(middleware({"type": "http", "headers": raw}, nothing, nothing))


def by_wsgi(client, arrival):
    def app(_environ, start_response):
        publish()
        start_response("200 OK", [])
        return []

    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in arrival.joined().items()}
    wsgi.EventsMiddleware(app, client=client, **OPTIONS)(environ, lambda *_: None).close()


def by_lambda(event_of):
    def by_lambda(client, arrival):
        aws.request(client=client, **OPTIONS)(publish)(event_of(arrival), None)

    return by_lambda


def several(arrival):
    found = {}
    for name, value in arrival.pairs:
        found.setdefault(name.title(), []).append(value)
    return found


def by_records(event_of):
    """Message attributes have each name once, in upper or lower case."""

    def by_records(client, arrival):
        spelt = {}
        for name, value in arrival.pairs:
            spelt[name if name not in spelt else name.title()] = value
        aws.each_record(client=client, payload=lambda body: body["meta"], **OPTIONS)(publish)(event_of(spelt), None)

    return by_records


def by_celery(request_of):
    def by_celery(client, arrival):
        app = Celery("outside", broker="memory://", set_as_current=False)
        celery.install(app, client=client)
        task = app.task(publish, name="publish", shared=False)
        app.finalize()
        spelt = {}
        for name, value in arrival.pairs:
            spelt[name if name not in spelt else name.title()] = value
        request = {"id": "1", "delivery_info": {}, "is_eager": True, **request_of(spelt)}
        build_tracer(task.name, task, eager=True, app=app)("1", (), {}, request)

    return by_celery


def without_baggage(arrival):
    return not any(name == "baggage" for name, _ in arrival.pairs)


ENTRIES = {
    "ASGI": by_asgi,
    "WSGI": by_wsgi,
    "Lambda, REST API": by_lambda(lambda it: rest_api_event() | {"multiValueHeaders": several(it)}),
    "Lambda, REST API, joined": by_lambda(lambda it: rest_api_event(headers=it.joined()) | {"multiValueHeaders": None}),
    "Lambda, HTTP API": by_lambda(lambda it: http_api_event(headers=it.joined())),
    "load balancer": by_lambda(lambda it: alb_event(headers=it.joined())),
    "load balancer, several values": by_lambda(lambda it: alb_event(several=several(it) or {"a": ["b"]})),
    "SQS": by_records(lambda spelt: {"Records": [sqs_record(attributes=spelt)]}),
    "SNS": by_records(lambda spelt: sns_event(attributes=spelt)),
    "SNS in SQS": by_records(
        lambda spelt: {"Records": [sqs_record(body=json.dumps(sns_event(attributes=spelt)["Records"][0]["Sns"]))]}
    ),
    "Celery": by_celery(lambda spelt: spelt),
    "Celery, nested": by_celery(lambda spelt: {"headers": spelt}),
}
IN_PAYLOAD = {  # where baggage does not travel
    "SQS, in the payload": by_records(lambda spelt: {"Records": [sqs_record(body=json.dumps({"meta": spelt}))]}),
    "EventBridge": by_records(lambda spelt: event_bridge_event(meta=spelt)),
}


@pytest.mark.parametrize("name", [*ENTRIES, *IN_PAYLOAD])
def test_each_entry_point_believes_the_same(name, client, delivery, caplog):
    entry = ENTRIES.get(name) or IN_PAYLOAD[name]
    for arrival in ARRIVALS if name in ENTRIES else filter(without_baggage, ARRIVALS):
        entry(client, arrival)
        [event] = delivery.sent
        assert arrival.is_met_by(event), arrival
        assert any(record.levelno == logging.WARNING for record in caplog.records) == arrival.warns, arrival
        assert not [record for record in caplog.records if record.levelno > logging.WARNING], arrival
        delivery.sent.clear()
        caplog.clear()


# Shapes


def _shape(value):
    return type(value).__name__


ODD = [None, 17, True, "text", b"bytes", [], ["job-1", "job-2"], [["job-1"]], {}, {"a": 1}, object()]
CARRIERS = [
    *ODD,
    {JOB: ["job-1", "job-2"]},
    {JOB: {"value": "job-1"}},
    {17: "job-1"},
    {None: None},
    [("x",), ("a", "b", "c")],
]


@pytest.mark.parametrize("carrier", CARRIERS, ids=_shape)
def test_a_carrier_of_an_odd_shape_carries_nothing(carrier):
    assert extract(carrier, BROKER) == Inbound(None, None)


@pytest.mark.parametrize("value", ODD, ids=_shape)
def test_a_value_of_an_odd_shape_is_a_missing_one(value):
    assert extract({JOB: value, "x-britecore-actor-id": value, "baggage": value}, BROKER).actor is None


@pytest.mark.parametrize("carrier", [[(b"X-BriteCore-Job-Id", b"job-1")], {"X-BRITECORE-JOB-ID": ["job-1"]}])
def test_pairs_and_lists_are_headers_too(carrier):
    assert extract(carrier).job_id == "job-1"


@pytest.mark.parametrize("headers", ODD, ids=_shape)
def test_a_task_with_headers_of_an_odd_shape_runs(headers, client, delivery):
    app = Celery("odd", broker="memory://", set_as_current=False)
    celery.install(app, client=client)

    @app.task(shared=False, bind=True)
    def task(self):
        publish()

    request = {"id": "1", "is_eager": True, "headers": headers, JOB: headers}
    app.finalize()
    build_tracer(task.name, task, eager=True, app=app)("1", (), {}, request)
    assert len(delivery.sent) == 1


@pytest.mark.parametrize("headers", ODD, ids=_shape)
def test_a_request_with_headers_of_an_odd_shape_is_served(headers, client, delivery):
    async def app(_scope, _receive, send):
        publish()
        await send({"type": "http.response.start", "status": 200})

    async def nothing(_message=None):
        pass

    asyncio.run(asgi.EventsMiddleware(app, client=client)({"type": "http", "headers": headers}, nothing, nothing))
    assert delivery.actors == [SERVICE]


def test_an_environ_of_odd_entries_is_served(client, delivery):
    def app(_environ, start_response):
        publish()
        start_response("200 OK", [])
        return []

    environ = {17: "a", None: None, "HTTP_X_BRITECORE_JOB_ID": 17, "HTTP_BAGGAGE": ["a"], "HTTP_OTHER": None}
    wsgi.EventsMiddleware(app, client=client)(environ, lambda *_: None).close()
    assert delivery.actors == [SERVICE]


# Any part of an AWS event, replaced

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=5,
)
CARRIED = {JOB: "job-1", "baggage": "bc-job-id=job-1"}
REQUESTS = [
    rest_api_event(headers=CARRIED, authorizer={"claims": {"sub": "anon"}}),
    http_api_event(headers=CARRIED, authorizer={"jwt": {"claims": {"sub": "anon"}}, "lambda": {"sub": "anon"}}),
    alb_event(headers=CARRIED),
    alb_event(several={JOB: ["job-1"]}),
]
MESSAGES = [
    {"Records": [sqs_record(attributes=CARRIED), sqs_record(body=json.dumps({"meta": {JOB: "job-1"}}))]},
    {"Records": [sqs_record(body=json.dumps(sns_event(attributes=CARRIED)["Records"][0]["Sns"]))]},
    sns_event(attributes=CARRIED),
    event_bridge_event(meta={JOB: "job-1"}),
]


def paths(value):
    """The ways to each part of a value, itself included."""
    yield ()
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from ((key, *rest) for rest in paths(part))


def replaced(value, path, other):
    if not path:
        return other
    key, *rest = path
    copy = value.copy()
    copy[key] = replaced(value[key], rest, other)
    return copy


@st.composite
def broken(draw, sound):
    event = draw(st.sampled_from(sound))
    return replaced(event, draw(st.sampled_from(list(paths(event)))), draw(json_values))


def handled_by(make, event):
    delivery = Remembering()
    with EventClient(None, "PolicyService", TOPICS, delivery=delivery) as client:
        make(client)(publish)(event, None)
    assert set(delivery.actors) <= {SERVICE}
    return delivery.sent


@settings(max_examples=150, deadline=None)
@given(broken(REQUESTS), st.sampled_from([None, "authorizer", "x-amzn-oidc-identity"]))
def test_no_part_of_a_request_breaks_it_or_makes_an_actor(event, user):
    assert len(handled_by(lambda client: aws.request(user=user, client=client), event)) == 1


@settings(max_examples=150, deadline=None)
@given(broken(MESSAGES))
def test_no_part_of_a_message_breaks_it_or_makes_an_actor(event):
    """If not even the source of the event can be read, nothing could be acknowledged. Then an error says so."""
    try:
        handled_by(lambda client: aws.each_record(client=client, payload=lambda body: body["meta"]), event)
    except ConfigurationError as error:
        assert "each_record takes those of SQS, SNS and EventBridge" in str(error)  # noqa: PT017
