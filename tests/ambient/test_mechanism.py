"""Rules 1 to 3: frames, closed frames, and leaving."""

import asyncio
import contextvars

import pytest
from opentelemetry import baggage, context

from bc_events import DeliveryError, NoActiveSessionError, SessionClosedError, events

from .children import CHILDREN
from .matrix import over
from .models import ALL, IN_PROCESS
from .recording import say

every_child = pytest.mark.parametrize("start", [pytest.param(start, id=name) for name, start in CHILDREN.items()])


@over(ALL)
def test_rule_01_leaving_restores_what_was_around(model, client, recording):
    with events.session("outer"):
        outer = events.current_session()
        assert model(events.session("inner"), lambda: events.current_job_id(), recording) == "inner"
        assert events.current_session() is outer
    with pytest.raises(NoActiveSessionError):
        events.current_session()


@over(ALL)
def test_rule_01_leaving_by_an_exception_restores_what_was_around(model, client, recording):
    def body():
        raise ZeroDivisionError

    with events.session("outer"):
        outer = events.current_session()
        with pytest.raises(ZeroDivisionError):
            model(events.session("inner"), body, recording)
        assert events.current_session() is outer


def test_rule_01_scopes_left_out_of_order_leave_those_within_them_open(client, recording):
    first, second, third = events.session("one"), events.session("two"), events.session("three")
    first.__enter__()
    second.__enter__()
    third.__enter__()
    second.__exit__(None, None, None)
    assert events.current_job_id() == baggage.get_baggage("bc-job-id") == "three"
    first.__exit__(None, None, None)
    assert events.current_job_id() == baggage.get_baggage("bc-job-id") == "three"
    say(3)
    third.__exit__(None, None, None)
    assert events.current_job_id() is None
    assert recording.jobs == ["three"]


def test_rule_01_scopes_with_baggage_keys_of_their_own_left_out_of_order_restore_each_key(client, recording):
    other = type(client)(None, "ClaimService", client.topic_table, delivery=recording, baggage_key="claims-job")
    first, second = events.session("one"), events.session("two", client=other)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert dict(baggage.get_all()) == {"claims-job": "two"}
    second.__exit__(None, None, None)
    assert not baggage.get_all()


@every_child
def test_rule_02_a_child_that_outlives_its_scope_is_refused(start, client, recording):
    with events.session():
        finish = start(lambda: say(1))
    with pytest.raises(SessionClosedError):
        finish()
    assert recording.numbers == []


@every_child
def test_rule_02_a_child_that_outlives_its_scope_is_refused_though_an_outer_session_lives(start, client, recording):
    with events.session("outer"):
        with events.session("inner"):
            finish = start(lambda: say(1))
        with pytest.raises(SessionClosedError):
            finish()
    assert recording.numbers == []


@every_child
def test_rule_02_a_child_that_outlives_a_joined_scope_is_refused(start, client, recording):
    with events.session("outer"):
        with events.user_context("a-user-id"):
            finish = start(lambda: say(1))
        with pytest.raises(SessionClosedError):
            finish()
    assert recording.numbers == []


@every_child
def test_rule_02_a_joined_scope_whose_session_ended_first_is_refused(start, client, recording):
    outer = events.session("outer")
    outer.__enter__()
    scope = events.user_context("a-user-id")
    inner = scope.__enter__()
    finish = start(lambda: say(1))
    outer.__exit__(None, None, None)
    with pytest.raises(SessionClosedError):
        finish()
    with pytest.raises(SessionClosedError):
        inner.made_note({"n": 2})
    with pytest.raises(SessionClosedError):
        scope.__exit__(None, None, None)
    assert recording.numbers == []


@every_child
def test_rule_02_a_scope_opened_over_an_ended_one_is_independent_and_keeps_the_job(start, client, recording):
    def child():
        with events.session():
            say(1)
            return events.current_job_id()

    with events.session("outer"):
        with events.session("inner"):
            finish = start(child)
        assert finish() == "inner"
        assert recording.numbers == [1]  # it did not join the outer one, which has not ended
    assert recording.jobs == ["inner"]


@every_child
def test_rule_02_a_child_that_leaves_a_scope_of_its_own_is_back_where_it_was_started(start, client, recording):
    def child():
        with events.session("own"):
            pass
        return events.current_job_id()

    with events.session("outer"):
        finish = start(child)
        assert finish() == "outer"


def test_rule_02_the_messages_say_what_to_do(client):
    with pytest.raises(NoActiveSessionError, match=r"with events.session\(\).*events.propagate\(fn\)"):
        say(1)
    with events.session():
        copied = contextvars.copy_context()
    with pytest.raises(SessionClosedError, match="publish and flush before its scope ends, or open a new session"):
        copied.run(say, 1)
    with pytest.raises(SessionClosedError, match=r"events.detached\(fn\)"):
        copied.run(events.current_session)


@over(IN_PROCESS)
def test_rule_03_a_flush_that_fails_leaks_no_scope(model, client, recording):
    recording.is_down = True
    with events.session("outer"):
        outer = events.current_session()
        with pytest.raises(DeliveryError):
            model(events.session("inner"), lambda: say(1), recording)
        assert events.current_session() is outer
        assert baggage.get_baggage("bc-job-id") == "outer"


@over(IN_PROCESS)
def test_rule_03_what_is_ambient_during_the_flush_is_what_was_around(model, client, recording):
    during = []
    recording.on_send = lambda: during.append(events.current_job_id())
    model(events.session("inner"), lambda: say(1), recording)
    assert during == [None]


@over(IN_PROCESS)
def test_rule_03_a_flush_runs_under_the_opentelemetry_context_that_the_scope_had(model, client, recording):
    during = []
    recording.on_send = lambda: during.append(baggage.get_baggage("bc-job-id"))
    model(events.session("inner"), lambda: say(1), recording)
    assert during == ["inner"]


def test_rule_03_a_scope_that_another_task_leaves_leaves_nothing_behind(client, recording):
    """As async fixtures do, whose two halves run in different tasks."""

    async def main():
        scope = events.session("fixture")

        async def enter():
            await scope.__aenter__()
            say(1)

        async def leave():
            await scope.__aexit__(None, None, None)
            return events.current_job_id(), baggage.get_baggage("bc-job-id")

        await asyncio.create_task(enter())
        return await asyncio.create_task(leave())

    assert asyncio.run(main()) == (None, None)
    assert recording.numbers == [1]


def test_rule_03_an_async_fixture_that_enters_and_leaves_in_different_tasks_delivers(client, recording):
    @events.session("fixture")
    async def fixture():
        say(1)
        yield events.current_job_id()
        say(2)

    async def main():
        steps = fixture()
        job = await asyncio.create_task(anext(steps))
        assert events.current_job_id() is None
        with pytest.raises(StopAsyncIteration):
            await asyncio.create_task(anext(steps))
        return job

    assert asyncio.run(main()) == "fixture"
    assert recording.numbers == [1, 2]


def test_rule_03_what_opentelemetry_has_current_meanwhile_stays(client):
    """Leaving puts back one key of the baggage, not the whole context."""
    with events.session("inner"):
        context.attach(context.set_value("users-own", "kept"))
    assert context.get_value("users-own") == "kept"
    assert not baggage.get_all()
    context.attach(context.Context())
