"""Celery in this process: eager tasks, and a real worker with a pool of threads over the in-memory broker."""

import threading
from functools import partial

import pytest
from celery import Celery, Task, chain, chord, shared_task, signals
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore, Reject

from bc_events import DeliveryError, EventClient, events
from bc_events.integrations.celery import install
from bc_events.propagation import HTTP

from .conftest import TOPICS, Remembering

TIMEOUT = 20


def make_app(name, **settings):
    app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
    # The broker is the process's: with the default queue the worker of one application takes another's messages.
    app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue=name, **settings)
    app.task = partial(app.task, shared=False)  # else each later application of this process has it too
    return app


@pytest.fixture(scope="module", autouse=True)
def _disconnected():
    """Celery's signals are the process's: what was connected here is forgotten afterwards."""
    used = (signals.worker_init,)
    before = [list(signal.receivers or ()) for signal in used]
    yield
    for signal, receivers in zip(used, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


@pytest.fixture
def eager(client):
    app = make_app("eager", task_always_eager=True)
    install(app, client=client)
    return app


def publishes(app, **options):
    @app.task(**options)
    def published(value=None):
        events.created_test({"id": 1})
        return value

    return published


class Service:
    """One application with its worker, which takes seconds to stop, for all tests here."""

    def __init__(self):
        self.delivery = Remembering()
        self.client = EventClient(None, "PolicyService", TOPICS, delivery=self.delivery)
        self.app = app = make_app("threads")
        install(app, client=self.client)
        self.publish = publishes(app)

        @app.task
        def fail():
            events.created_test({"id": 1})
            raise LookupError("broken")

        @app.task(bind=True, max_retries=2)
        def retry_twice(self):
            events.created_test({"attempt": self.request.retries})
            if self.request.retries < 2:
                raise self.retry(countdown=0)

        @app.task(bind=True, autoretry_for=(Exception,), retry_kwargs={"countdown": 0})
        def retry_by_itself(task):
            self.jobs.append(events.current_job_id())
            events.created_test({"attempt": task.request.retries})
            if self.fails and not task.request.retries:
                raise LookupError

        @app.task
        def count_sent(_result):
            return len(self.delivery.sent)

        @app.task
        def send_another():
            self.publish.delay()

        @app.task(bind=True)
        def replace(self_task):
            events.created_other({"id": 2})
            raise self_task.replace(self.publish.s())

        self.fail, self.retry_twice, self.retry_by_itself = fail, retry_twice, retry_by_itself
        self.count_sent, self.send_another, self.replace = count_sent, send_another, replace
        self.reset()

    def reset(self):
        self.jobs = []
        self.fails = False
        self.delivery.__init__()

    def session(self):
        return events.user_context("user-one", "job-1", client=self.client)


@pytest.fixture(scope="module")
def _service():
    service = Service()

    def leave_logging_alone(**_signal):
        """Its receivers take the place of Celery's own set-up, which is the process's."""

    signals.setup_logging.connect(leave_logging_alone)
    with start_worker(service.app, pool="threads", concurrency=2, perform_ping_check=False):
        yield service
    signals.setup_logging.disconnect(leave_logging_alone)


@pytest.fixture
def service(_service):
    _service.reset()
    return _service


def result_of(task):
    return task.get(timeout=TIMEOUT, interval=0.01)


def test_a_task_runs_under_the_job_and_actor_that_sent_it(service):
    with service.session():
        result_of(service.publish.delay())
    assert (service.delivery.jobs, service.delivery.actors) == (["job-1"], [("user-one", "user")])


def test_a_task_that_nobody_sent_from_a_session_gets_a_job_of_its_own(service):
    result_of(service.publish.delay())
    result_of(service.publish.delay())
    assert len(set(service.delivery.jobs)) == 2
    assert set(service.delivery.actors) == {("PolicyService", "service")}


def test_a_task_that_fails_drops_its_events(service):
    sent = service.fail.delay()
    with pytest.raises(LookupError):
        result_of(sent)
    assert service.delivery.sent == []


def test_a_retry_drops_the_events_of_the_attempt_and_keeps_job_and_actor(service):
    """Custom headers were lost on retries (celery/celery#4875, #7523)."""
    with service.session():
        result_of(service.retry_twice.delay())
    assert (service.delivery.data, service.delivery.jobs) == ([{"attempt": 2}], ["job-1"])
    assert service.delivery.actors == [("user-one", "user")]


def test_a_retry_keeps_a_job_that_began_with_the_task(service):
    service.fails = True
    result_of(service.retry_by_itself.delay())
    assert (len(service.jobs), len(set(service.jobs))) == (2, 1)
    assert service.delivery.data == [{"attempt": 1}]


def test_a_delivery_error_fails_the_task_and_is_never_retried(service):
    """Its work is done, and would be done twice."""
    service.delivery.refuses = True
    sent = service.retry_by_itself.delay()
    with pytest.raises(DeliveryError):
        result_of(sent)
    assert len(service.jobs) == 1


def test_a_chain_stays_one_job_in_one_session_each(service):
    """Celery sends the next task after the one before it has ended; its events are sent by then."""
    with service.session():
        counted = chain(service.publish.s(), service.count_sent.s(), service.publish.s()).delay()
        assert result_of(counted) == 1
    assert (service.delivery.jobs, set(service.delivery.actors)) == (["job-1", "job-1"], {("user-one", "user")})


def test_a_chain_that_begins_a_job_stays_within_it(service):
    result_of(chain(service.publish.s(), service.publish.s(), service.publish.s()).delay())
    assert (len(service.delivery.jobs), len(set(service.delivery.jobs))) == (3, 1)


def test_a_chord_stays_one_job(service):
    with service.session():
        result_of(chord([service.publish.s(), service.publish.s()], service.publish.s()).delay())
    assert (service.delivery.jobs, set(service.delivery.actors)) == (["job-1"] * 3, {("user-one", "user")})


@pytest.mark.parametrize(("outcome", "jobs"), [("publish", ["job-1", "job-1"]), ("fail", ["job-1"])])
def test_callbacks_of_a_task_stay_within_its_job(service, outcome, jobs):
    callback = service.publish.si()
    called = callback.freeze()
    with service.session():
        getattr(service, outcome).apply_async(link=callback, link_error=callback)
    result_of(called)
    assert (service.delivery.jobs, set(service.delivery.actors)) == (jobs, {("user-one", "user")})


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


def test_a_task_of_a_task_stays_within_the_job(service):
    done = threading.Event()
    service.delivery.on_send = done.set
    with service.session():
        service.send_another.delay()
    assert done.wait(TIMEOUT)
    assert service.delivery.jobs == ["job-1"]


def test_a_task_that_replaces_itself_keeps_its_events(service):
    """`replace` ends it with Ignore."""
    with service.session():
        result_of(service.replace.delay())
    assert sorted(map(str, service.delivery.sent)) == ["testing.OtherCreated", "testing.TestCreated"]
    assert service.delivery.jobs == ["job-1", "job-1"]


def test_an_explicit_header_stays(service):
    with service.session():
        result_of(service.publish.apply_async(headers={"x-britecore-job-id": "job-2"}))
    assert service.delivery.jobs == ["job-2"]


def test_a_retry_keeps_a_job_and_actor_that_came_in_another_spelling(service):
    headers = {"X-BriteCore-Job-Id": "job-2", "X-BriteCore-Actor-Id": "user-one", "X-BriteCore-Actor-Type": "user"}
    result_of(service.retry_twice.apply_async(headers=headers))
    assert (service.delivery.jobs, service.delivery.actors) == (["job-2"], [("user-one", "user")])


def test_headers_that_another_library_nests_hide_none_of_ours(service):
    """Tracing libraries add a header called `headers`, which Celery then takes for all of them (celery/celery#4875)."""
    with service.session():
        result_of(service.publish.apply_async(headers={"headers": {"sentry-trace": "1"}}))
    assert (service.delivery.jobs, service.delivery.actors) == (["job-1"], [("user-one", "user")])


def test_the_actor_is_not_believed_where_the_border_says_so(client, delivery):
    app = make_app("untrusting", task_always_eager=True)
    install(app, client=client, border=HTTP)
    task = publishes(app)
    with events.user_context("user-one", "job-1", client=client):
        task.apply(headers={"x-britecore-actor-id": "somebody", "x-britecore-actor-type": "user"})
    assert (delivery.jobs, delivery.actors) == (["job-1"], [("PolicyService", "service")])


def test_the_border_of_one_application_is_not_that_of_another(client):
    """Celery's signals are the process's, and an actor is not to reach the broker of a public application."""
    inner, public = make_app("inner"), make_app("public")
    install(inner, client=client)
    install(public, client=client, border=HTTP)
    with events.user_context("user-one", "job-1", client=client):
        publishes(public).delay()
        public.send_task("elsewhere")
    with public.connection_for_read() as connection, connection.SimpleQueue("public") as queue:
        for _ in range(2):
            message = queue.get_nowait()
            message.ack()
            assert message.headers["x-britecore-job-id"] == "job-1"
            assert "x-britecore-actor-id" not in message.headers


def test_a_delivery_error_may_be_handed_to_the_service(client, delivery):
    app = make_app("handing", task_always_eager=True)
    errors = []
    install(app, client=client, on_delivery_error=errors.append)
    delivery.refuses = True
    assert publishes(app).delay("result").get() == "result"
    assert [len(error.undelivered) for error in errors] == [1]


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
