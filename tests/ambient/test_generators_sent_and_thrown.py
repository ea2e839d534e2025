"""Rule 7: what is sent to a generator, thrown into it or closes it reaches the code in its scope."""

import pytest
from opentelemetry import baggage

from bc_events import events

from .recording import say
from .steps import Sync


def test_rule_07_scopes_it_never_closes_end_with_it(steps_of, stops, client, recording):
    def work():
        yield
        events.session("forgotten").__enter__()
        yield

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    steps.next()
    with pytest.raises(stops):
        steps.next()
    assert (events.current_job_id(), baggage.get_baggage("bc-job-id")) == (None, None)


def test_rule_07_what_is_sent_arrives_in_the_scope(steps_of, stops, client, recording):
    def work():
        received = yield
        while received is not None:
            received = yield say(received).job_id

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    assert [steps.send(1), steps.send(2)] == ["job-1", "job-1"]
    with pytest.raises(stops):
        steps.send(None)
    assert recording.numbers == [1, 2]


def test_rule_07_what_is_thrown_arrives_in_the_scope(steps_of, stops, client, recording):
    def work():
        try:
            yield
        except ZeroDivisionError:
            yield say(1).job_id

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    assert steps.throw(ZeroDivisionError()) == "job-1"
    with pytest.raises(stops):
        steps.next()
    assert recording.numbers == [1]


def test_rule_07_what_is_thrown_and_not_caught_comes_back_unchanged(steps_of, client, recording):
    def work():
        say(1)
        yield

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    thrown = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError) as raised:
        steps.throw(thrown)
    assert raised.value is thrown
    assert recording.numbers == []


def test_rule_07_closing_closes_what_is_within(steps_of, client, recording):
    seen = []

    def work():
        try:
            say(1)
            yield
        finally:
            seen.append(events.current_job_id())

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    steps.close()
    assert seen == ["job-1"]
    assert recording.numbers == []


def test_rule_07_closing_before_the_first_step_opens_nothing(steps_of, client, recording):
    def work():
        yield say(1)

    steps_of(events.session(lambda: pytest.fail("opened")), work).close()
    assert recording.numbers == []


def test_rule_07_a_generator_that_ignores_its_closing_is_an_error(steps_of, client, recording):
    def work():
        say(1)
        try:
            yield
        except GeneratorExit:
            yield

    steps = Sync(events.session()(work))
    steps.next()
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        steps.close()
    assert recording.numbers == []


def test_rule_07_closing_returns_what_closing_the_bare_generator_returns(client):
    """Its return value, from Python 3.13 on."""

    def work():
        try:
            yield
        except GeneratorExit:
            return "closed"

    bare, decorated = work(), events.session()(work)()
    next(bare)
    next(decorated)
    assert decorated.close() == bare.close()


def test_rule_07_a_generator_that_nobody_keeps_is_rolled_back_when_collected(steps_of, client, recording):
    seen = []

    def work():
        try:
            say(1)
            yield
        finally:
            seen.append(events.current_job_id())

    steps = steps_of(events.session("job-1"), work)
    steps.next()
    with events.session("outer"):
        steps.forget()
        assert events.current_job_id() == baggage.get_baggage("bc-job-id") == "outer"
    assert seen == ["job-1"]
    assert recording.numbers == []
