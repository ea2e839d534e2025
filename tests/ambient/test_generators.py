"""Rule 7: the session of a generator is ambient during its steps, and nowhere else."""

import asyncio

import anyio
import pytest
from opentelemetry import baggage

from bc_events import events

from .recording import recording_client, say


def test_rule_07_the_session_opens_at_the_first_step(steps_of, client, recording):
    asked = []

    def job_id():
        asked.append("job-1")
        return "job-1"

    def work():
        yield events.current_job_id()

    steps = steps_of(events.session(job_id), work)
    assert asked == []
    assert steps.next() == "job-1"
    steps.close()


def test_rule_07_it_is_ambient_in_each_step_and_not_between_them(steps_of, client, recording):
    def work():
        for _ in range(3):
            yield events.current_job_id(), baggage.get_baggage("bc-job-id")

    steps = steps_of(events.session("job-1"), work)
    for _ in range(3):
        assert steps.next() == ("job-1", "job-1")
        assert (events.current_job_id(), baggage.get_baggage("bc-job-id")) == (None, None)
    steps.close()


def test_rule_07_the_callers_session_is_its_own_between_steps(steps_of, client, recording):
    def work():
        say(1)
        yield
        say(2)

    steps = steps_of(events.session("inner"), work)
    with events.session("outer"):
        steps.next()
        say(10)
        assert baggage.get_baggage("bc-job-id") == "outer"
    with events.session("another"):
        with pytest.raises(BaseException, match="^$"):
            steps.next()
        assert events.current_job_id() == baggage.get_baggage("bc-job-id") == "another"
        say(20)
    found = [(event.job_id, event.data["n"]) for event in recording.events]
    assert found == [("outer", 10), ("inner", 1), ("inner", 2), ("another", 20)]


def test_rule_07_scopes_open_at_a_yield_are_suspended_with_it(steps_of, client, recording):
    def work():
        with events.session("within"), events.user_context("a-user-id"):
            yield events.current_job_id()
            say(1)
            yield events.current_session().actor_id
        yield events.current_job_id()

    steps = steps_of(events.session("job-1"), work)
    assert steps.next() == "within"
    assert (events.current_job_id(), baggage.get_baggage("bc-job-id")) == (None, None)
    assert steps.next() == "a-user-id"
    assert (events.current_job_id(), baggage.get_baggage("bc-job-id")) == (None, None)
    assert steps.next() == "job-1"
    assert recording.jobs == ["within"]
    steps.close()


def test_rule_07_scopes_open_at_a_later_yield_take_their_own_baggage_keys_along(steps_of, client, recording):
    other = recording_client(recording, "ClaimService", baggage_key="claims-job")

    def work():
        yield
        with events.session("claim", client=other):
            yield dict(baggage.get_all())
            yield dict(baggage.get_all())

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    for _ in range(2):
        assert steps.next() == {"bc-job-id": "job-1", "claims-job": "claim"}
        assert not baggage.get_all()
    steps.close()


def test_rule_07_a_generator_joins_the_session_of_its_first_step(steps_of, stops, client, recording):
    def work():
        say(1)
        yield
        say(2)

    steps = steps_of(events.session(), work)
    with events.session("outer"):
        steps.next()
        with pytest.raises(stops):
            steps.next()
        assert recording.numbers == []
    assert recording.jobs == ["outer", "outer"]


def test_rule_07_its_return_value_survives(client):
    @events.session()
    def work():
        yield 1
        return "returned"

    def delegating():
        return (yield from work())

    steps = delegating()
    next(steps)
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "returned"


def test_rule_07_a_bound_function_called_in_the_caller_belongs_to_the_generator(steps_of, client, recording):
    """A function that `propagate` has bound in a step publishes there, also while the generator is suspended."""

    def work():
        yield events.propagate(say)

    steps = steps_of(events.session("inner"), work)
    with events.session("outer"):
        say_inside = steps.next()
        assert say_inside(1).job_id == "inner"
        assert events.current_job_id() == baggage.get_baggage("bc-job-id") == "outer"
    steps.close()


def test_rule_07_an_override_is_suspended_too(steps_of, client, recording):
    other = recording_client(recording, "ClaimService")

    def work():
        for _ in range(2):
            with events.session() as session:
                used = session.client.service_name
            yield used

    steps = steps_of(events.override(other), work)
    for _ in range(2):
        assert steps.next() == "ClaimService"
        with events.session() as session:
            assert session.client.service_name == "PolicyService"
    steps.close()


def test_rule_07_a_generator_closed_in_another_task_leaves_nothing_in_either(client, recording):
    @events.session("inner")
    async def work():
        say(1)
        yield

    async def main():
        steps = work()
        with events.session("outer"):
            await anext(steps)
            assert events.current_job_id() == "outer"
            await asyncio.create_task(steps.aclose())
            assert events.current_job_id() == baggage.get_baggage("bc-job-id") == "outer"

    asyncio.run(main())
    assert recording.numbers == []


def test_rule_07_an_async_generator_under_trio_is_ambient_in_its_steps_only(client, recording):
    @events.session("inner")
    async def work():
        for n in range(3):
            await anyio.sleep(0)
            say(n)
            yield events.current_job_id()

    async def main():
        async for job_id in work():
            assert job_id == "inner"
            assert events.current_job_id() is None

    anyio.run(main, backend="trio")
    assert recording.numbers == [0, 1, 2]
