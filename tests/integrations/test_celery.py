"""Celery in this process: a real worker with a pool of threads, over the in-memory broker."""

import threading

import pytest
from celery import chain, chord, signals
from celery.contrib.testing.worker import start_worker

from bc_events import DeliveryError, EventClient, events
from bc_events.integrations.celery import install
from bc_events.propagation import HTTP

from .celery_app import make_app, publishes, signals_restored
from .conftest import TOPICS, Remembering

TIMEOUT = 20


@pytest.fixture(scope="module", autouse=True)
def _disconnected():
    with signals_restored():
        yield


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
        """Its receivers take the place of Celery's own set-up, which would change logging for the whole process."""

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
    """All applications of a process share Celery's signals, and an actor must not reach the broker of a public
    application.
    """
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


def test_a_scope_above_a_task_is_refused_with_the_right_order(client):
    """The worker would run the task without it."""
    app = make_app("refused")

    @app.task
    def task(): ...

    with pytest.raises(TypeError, match="decorate below @app.task"):
        events.session(client=client)(task)
