"""Mistakes that new users make: the message says what to write."""

import asyncio
import copy
import pickle

import pytest

import bc_events.testing
from bc_events import EventClient, EventsError, events
from bc_events.integrations import asgi
from bc_events.outbox import SQLiteOutbox

TOPICS = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}
CLIENT = EventClient(None, "TestService", TOPICS)


@pytest.mark.parametrize(
    ("mistake", "remedy"),
    [
        (lambda _: events.publish("Created", "Test", {"id": 1}), "publish(action=…, entity=…, data={…}, category=…)"),
        (lambda session: session.publish("created_test", {"id": 1}), "publish(action=…, entity=…, data={…}"),
        (lambda _: events.publish(action="Created", entity="Test"), "'data' is missing"),
        (lambda _: events.publish(topic="TestCreated", data={"id": 1}), "'action' and 'entity' are missing"),
        (lambda _: events.created_test(id=1), "created_test({…})"),
        (lambda _: events.created_test([{"id": 1}]), "not a list; publish each item with a call of its own"),
        (lambda _: events.createdTest({"id": 1}), "did you mean events.created_test?"),
        (lambda _: events.emit("created_test"), "did you mean events.publish?"),
        (lambda _: events.sesion(), "did you mean events.session?"),
        (lambda _: events.job_id(), "did you mean events.current_job_id?"),
        (lambda session: session.commit(), "did you mean session.flush?"),
        (
            lambda session: session.close(),
            "it has actor, actor_id, actor_type, aflush, client, events, flush, is_closed",
        ),
        (lambda _: CLIENT.created_test({"id": 1}), "as session:` and use session.created_test"),
        (lambda _: CLIENT.user_sesion("user-1"), "did you mean user_session?"),
        (lambda _: CLIENT.timeout, "EventClient has no attribute timeout, which is only an argument"),
        (lambda session: pickle.dumps(session), "give the other process its job_id, and open events.session(job_id)"),
        (lambda _: events.session(commit_on=(SystemExit(),)), "got a SystemExit; give one such as (SystemExit,)"),
        (
            lambda _: asgi.EventsMiddleware(asgi, CLIENT),
            "EventsMiddleware takes app by position; give client, success, actor, border, on_delivery_error by name",
        ),
        (lambda _: SQLiteOutbox("events.db", False), "SQLiteOutbox takes path by position; give relay, order"),
        (lambda _: events.session().created_test({"id": 1}), "as session:` and use session.created_test"),
        (lambda _: events.configure(api_uri=None, service_name="TestService"), "did you mean api_url?"),
        (lambda _: events.configure(api_url=None, retry=3), "EventClient has no argument retry; it has auth, timeout"),
    ],
)
def test_a_mistake_is_answered_with_what_to_write(mistake, remedy):
    with (
        events.session(client=CLIENT) as session,
        pytest.raises((AttributeError, TypeError, ValueError, EventsError)) as caught,
    ):
        mistake(session)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("created_test", 'of("created_test")'),
        ("assert_publishd", "did you mean assert_published?"),
        ("assert_called_once", "it has assert_published and assert_nothing_published"),
    ],
)
def test_a_name_that_captured_events_lack_is_answered_with_what_to_write(name, remedy):
    with bc_events.testing.capture_events() as captured, pytest.raises(AttributeError) as caught:
        getattr(captured, name)
    assert remedy in str(caught.value)


def test_a_session_made_by_hand_is_no_with_block():
    with (
        pytest.raises(TypeError, match="session is not a with block; write `with events.session"),
        CLIENT.service_session(),
    ):
        pass


def test_a_session_made_by_hand_is_no_async_with_block():
    async def work():
        async with CLIENT.user_session("user-1"):
            pass

    with pytest.raises(TypeError, match="session is not a with block; write `with events.session"):
        asyncio.run(work())


def test_a_decorated_function_may_return_a_session():
    """Its methods for `with` only explain a mistake."""

    @events.session(client=CLIENT)
    def made():
        return events.current_session()

    assert made().is_closed


def test_a_copy_of_a_session_is_the_same_session():
    session = CLIENT.service_session()
    assert copy.copy(session) == session
