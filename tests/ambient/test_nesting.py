"""Rules 15 to 18: joining, independent sessions, durable ones, actors and job ids."""

import pytest

from bc_events import Actor, InvalidActorError, NestedSessionError, events

from .matrix import over
from .models import ALL, JOINING
from .recording import recording_client, say


class FailedError(Exception):
    pass


def failing_after(n):
    def body():
        say(n)
        raise FailedError

    return body


@over(JOINING)
def test_rule_15_the_same_job_joins_and_the_outermost_flushes(model, client, recording):
    with events.session("job-1"):
        say(1)
        model(events.session(), lambda: say(2), recording)
        model(events.session("job-1"), lambda: say(3), recording)
        assert recording.numbers == []
        say(4)
    assert [len(batch) for batch in recording.batches] == [4]
    assert recording.numbers == [1, 2, 3, 4]


@over(JOINING)
def test_rule_15_an_exception_that_leaves_a_joined_scope_drops_its_events_alone(model, client, recording):
    with events.session():
        say(1)
        with pytest.raises(FailedError):
            model(events.session(), failing_after(2), recording)
        say(3)
    assert recording.numbers == [1, 3]


@over(JOINING)
def test_rule_15_savepoints_within_savepoints_drop_to_any_depth(model, client, recording):
    def middle():
        say(2)
        with events.user_context("a-user-id"):
            say(3)
        with pytest.raises(FailedError), events.session():
            failing_after(4)()
        raise FailedError

    with events.session():
        say(1)
        with pytest.raises(FailedError):
            model(events.session(), middle, recording)
        say(5)
    assert recording.numbers == [1, 5]


@over(JOINING)
def test_rule_15_an_exception_that_leaves_the_outermost_drops_all(model, client, recording):
    with pytest.raises(FailedError), events.session():
        model(events.session(), lambda: say(1), recording)
        raise FailedError
    assert recording.numbers == []


@over(ALL)
def test_rule_16_another_job_is_independent(model, client, recording):
    with pytest.raises(FailedError), events.session("outer"):
        say(1)
        model(events.session("inner"), lambda: say(2), recording)
        assert recording.numbers == [2]
        raise FailedError
    assert (recording.numbers, recording.jobs) == ([2], ["inner"])


@over(ALL)
def test_rule_16_the_failure_of_another_job_leaves_the_outer_one_untouched(model, client, recording):
    with events.session("outer"):
        say(1)
        with pytest.raises(FailedError):
            model(events.session("inner"), failing_after(2), recording)
    assert (recording.numbers, recording.jobs) == ([1], ["outer"])


@over(JOINING)
def test_rule_16_a_session_of_another_client_inherits_the_job_and_acts_as_itself(model, client, recording):
    other = recording_client(recording, "ClaimService")
    with events.session("outer"):
        say(1)
        model(events.session(client=other), lambda: say(2), recording)
        assert recording.numbers == [2]
    assert recording.jobs == ["outer", "outer"]
    assert recording.actors == ["ClaimService", "PolicyService"]


@over(JOINING)
def test_rule_16_a_session_of_another_client_inherits_the_user(model, client, recording):
    other = recording_client(recording, "ClaimService")
    with events.user_context("a-user-id"):
        model(events.session(client=other), lambda: say(2), recording)
    assert recording.actors == ["a-user-id"]


@over(JOINING)
def test_rule_17_a_durable_scope_must_be_outermost(model, client, recording):
    with events.session("outer"):
        for scope in (events.session(durable=True), events.session("inner", durable=True)):
            with pytest.raises(NestedSessionError, match="must be outermost, but a session of job outer is live"):
                model(scope, lambda: pytest.fail("entered"), recording)


@over({name: run for name, run in ALL.items() if name != "recursion"})
def test_rule_17_a_durable_scope_that_is_outermost_is_like_any(model, client, recording):
    model(events.session("job-1", durable=True), lambda: say(1), recording)
    assert recording.numbers == [1]


@over(ALL)
def test_rule_18_each_context_has_its_actor(model, client, recording):
    for scope in (
        events.session(),
        events.user_context("a-user-id"),
        events.service_context(),
        events.third_party_context(),
        events.session(actor=Actor("b-user-id", "user")),
    ):
        model(scope, lambda: say(1), recording)
    assert [(event.actor.type, event.actor.id) for event in recording.events] == [
        ("service", "PolicyService"),
        ("user", "a-user-id"),
        ("service", "PolicyService"),
        ("third-party", "PolicyService"),
        ("user", "b-user-id"),
    ]


@over(JOINING)
def test_rule_18_the_actor_is_taken_when_an_event_is_published(model, client, recording):
    with events.session("outer"):
        say(1)
        model(events.user_context("a-user-id"), lambda: say(2), recording)
        say(3)
    assert recording.actors == ["PolicyService", "a-user-id", "PolicyService"]
    assert recording.jobs == ["outer"] * 3


@over(JOINING)
def test_rule_18_a_joined_scope_without_an_actor_inherits_it(model, client, recording):
    with events.user_context("a-user-id"):
        model(events.session(), lambda: say(1), recording)
        model(events.session("another"), lambda: say(2), recording)
        model(events.service_context(), lambda: say(3), recording)
    assert {event.data["n"]: event.actor.id for event in recording.events} == {
        1: "a-user-id",
        2: "a-user-id",
        3: "PolicyService",
    }


@pytest.mark.parametrize("user_id", ["", "four", None, 12345])
def test_rule_18_an_actor_id_that_the_api_would_refuse_is_refused(user_id):
    with pytest.raises(InvalidActorError, match="5 characters or more") as raised:
        events.user_context(user_id)
    assert isinstance(raised.value, ValueError)


class Order:
    reference = "job-of-object"

    @events.session(lambda self, n, *, by=None: f"{self.reference}-{n}-{by}")
    def method(self, n, *, by=None):
        return say(n)

    @events.session(lambda cls, n: f"job-of-{cls.__name__}-{n}")
    @classmethod
    def inside(cls, n):
        return say(n)

    @classmethod
    @events.session(lambda cls, n: f"job-of-{cls.__name__}-{n}")
    def outside(cls, n):
        return say(n)

    @events.session(lambda n: f"job-{n}")
    @staticmethod
    def static(n):
        return say(n)


@pytest.mark.parametrize(
    ("call", "job_id"),
    [
        (lambda: Order().method(1, by="me"), "job-of-object-1-me"),
        (lambda: Order.method(Order(), 1), "job-of-object-1-None"),
        (lambda: Order.inside(1), "job-of-Order-1"),
        (lambda: Order().inside(1), "job-of-Order-1"),
        (lambda: Order.outside(1), "job-of-Order-1"),
        (lambda: Order().static(1), "job-1"),
    ],
    ids=["method", "method_of_class", "classmethod_inside", "of_object", "classmethod_outside", "static"],
)
def test_rule_18_a_callable_job_id_gets_the_calls_own_arguments(call, job_id, client, recording):
    call()
    assert recording.jobs == [job_id]


def test_rule_18_a_callable_job_id_may_leave_it_open(client, recording):
    @events.session(lambda n: None)
    def work(n):
        return say(n)

    with events.session("outer"):
        work(1)
    assert recording.jobs == ["outer"]
