"""Celery: eager tasks, and tasks that are called or made in unusual ways."""

import pytest
from celery import Task, shared_task, signals
from celery.exceptions import Ignore, Reject

from bc_events import events
from bc_events.integrations.celery import install

from .celery_app import make_app, publishes, signals_restored


@pytest.fixture(scope="module", autouse=True)
def _disconnected():
    with signals_restored():
        yield


@pytest.fixture
def eager(client):
    app = make_app("eager", task_always_eager=True)
    install(app, client=client)
    return app


def test_a_task_class_with_a_call_of_its_own_has_a_session(eager, delivery):
    """As Flask's documentation has it, to push an application context."""

    class InContext(eager.Task):
        def __call__(self, *args, **kwargs):
            return super().__call__(*args, **kwargs)

    @eager.task(base=InContext)
    def own():
        events.created_other({"id": 2})

    own.delay()
    assert delivery.data == [{"id": 2}]


@pytest.mark.parametrize(("outcome", "sent"), [(Ignore, 1), (Reject, 0)])
def test_a_rejected_task_drops_its_events_and_an_ignored_one_does_not(eager, delivery, outcome, sent):
    @eager.task
    def ends():
        events.created_test({"id": 1})
        raise outcome

    ends.delay()
    assert len(delivery.sent) == sent


def test_an_eager_task_leaves_the_callers_session_alone(eager, client, delivery):
    task = publishes(eager)
    with events.user_context("user-one", "job-1", client=client) as session:
        task.delay()
        assert events.current_session() is session
        assert delivery.data == [{"id": 1}]
        events.created_other({"id": 2})
    assert (delivery.jobs, set(delivery.actors)) == (["job-1", "job-1"], {("user-one", "user")})


def test_an_eager_task_that_fails_drops_its_own_events_alone(eager, client, delivery):
    @eager.task
    def fails():
        events.created_test({"id": 1})
        raise LookupError("broken")

    with events.session("job-1", client=client):
        events.created_other({"id": 2})
        fails.delay()
    assert delivery.data == [{"id": 2}]


def test_an_eager_task_joins_nothing_of_a_caller_that_fails(eager, client, delivery):
    """As with a worker: once sent, a task is no longer its sender's."""
    task = publishes(eager)

    @events.session("job-1", client=client)
    def caller():
        events.created_other({"id": 2})
        task.delay()
        raise LookupError

    with pytest.raises(LookupError):
        caller()
    assert delivery.data == [{"id": 1}]


def test_an_eager_retry_keeps_the_job(eager, client, delivery):
    @eager.task(bind=True)
    def tries(self):
        events.created_test({"attempt": self.request.retries})
        if not self.request.retries:
            raise self.retry(countdown=0)

    with events.session("job-1", client=client):
        tries.delay()
    assert (delivery.data, delivery.jobs) == ([{"attempt": 1}], ["job-1"])


def test_a_task_that_is_called_is_a_function_of_its_caller(eager, client, delivery):
    task = publishes(eager)
    with events.session("job-1", client=client):
        task()
        task.run()
        assert delivery.sent == []
    assert delivery.jobs == ["job-1", "job-1"]


def test_a_task_that_runs_itself_stays_in_its_session(eager, delivery):
    @eager.task
    def walk(depth):
        events.created_test({"depth": depth})
        if depth:
            walk.run(depth - 1)
        if depth == 2:
            raise LookupError

    walk.delay(2)
    assert delivery.sent == []


def test_tasks_with_a_base_of_their_own_and_shared_tasks_have_sessions_too(eager, delivery):
    class Base(eager.Task):
        pass

    @shared_task(name="tests.shared")
    def shared():
        events.created_test({"id": 1})

    @eager.task(base=Base)
    def own():
        events.created_other({"id": 2})

    own.delay()
    eager.tasks["tests.shared"].delay()
    assert delivery.data == [{"id": 2}, {"id": 1}]


def test_tasks_of_any_base_have_sessions_once_the_application_is_finalized(eager, delivery):
    """A worker finalizes it before its first task."""

    class Base(Task):
        pass

    @eager.task(base=Base)
    def own():
        events.created_other({"id": 2})

    eager.finalize()
    own.delay()
    assert delivery.data == [{"id": 2}]


def test_tasks_that_were_made_before_have_sessions_too(client, delivery):
    app = make_app("before", task_always_eager=True)
    task = publishes(app)
    app.finalize()
    install(app, client=client)
    task.delay()
    assert delivery.data == [{"id": 1}]


def test_tasks_that_were_made_after_have_sessions_when_a_worker_starts(eager, delivery):
    class Base(Task):
        pass

    eager.finalize()

    @eager.task(base=Base)
    def late():
        events.created_other({"id": 2})

    signals.worker_init.send(sender=None)
    late.delay()
    assert delivery.data == [{"id": 2}]
