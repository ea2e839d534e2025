"""Code that Celery runs around a task, on a real worker and eagerly: it is in the task's session."""

import threading

import pytest
from celery import Celery, chain, chord, group, signals
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore

from bc_events import EventClient, events
from bc_events.integrations.celery import install

from .celery_app import make_app
from .conftest import TOPICS, Remembering

USER = {"x-britecore-actor-id": "user-one", "x-britecore-actor-type": "user"}
SIGNALS = [signals.task_prerun, signals.task_success, signals.task_failure, signals.task_retry]


class Service:
    """One application whose tasks, hooks, errbacks and signal receivers all publish."""

    def __init__(self, name, **settings):
        self.delivery = Remembering()
        self.client = EventClient(None, "PolicyService", TOPICS, delivery=self.delivery)
        self.app = make_app(name, **settings)
        install(self.app, client=self.client)
        self.ended = threading.Semaphore(0)
        service = self

        class Hooked(self.app.Task):
            """Each hook says its name."""

            def before_start(self, *_):
                say("before_start")

            def on_success(self, *_):
                say("on_success")

            def on_failure(self, *_):
                say("on_failure")

            def on_retry(self, *_):
                say("on_retry")

            def after_return(self, *_):
                say("after_return")

        task = self.app.task

        @task(base=Hooked, bind=True, max_retries=1)
        def work(self, outcome=None):
            say("body")
            if outcome == "retry" and not self.request.retries:
                raise self.retry(countdown=0)
            if outcome == "ignore":
                raise Ignore
            if outcome == "fail":
                raise LookupError("broken")

        @task(base=Hooked, autoretry_for=(LookupError,), retry_kwargs={"countdown": 0, "max_retries": 1})
        def work_again():
            say("body")
            raise LookupError("broken")

        class HardOfHearing(Hooked):
            """Its hook fails at first."""

            def on_failure(self, *args):
                super().on_failure(*args)
                if not service.has_failed:
                    service.has_failed = True
                    raise LookupError("of the hook")

        @task(base=HardOfHearing)
        def fails_to_hear():
            service.has_failed = False
            raise LookupError("broken")

        @task
        def inline_errback(_request, _error, _traceback):
            say("inline errback")

        @task
        def sent_errback(_task_id):
            say("sent errback")

        @task
        def broken_errback(_request, _error, _traceback):
            say("broken errback")
            raise LookupError("broken too")

        @task
        def join(results):
            say("joined")

        self.work, self.work_again, self.fails_to_hear, self.join = work, work_again, fails_to_hear, join
        self.inline_errback, self.sent_errback, self.broken_errback = inline_errback, sent_errback, broken_errback

    def session(self):
        return events.user_context("user-one", "job-1", client=self.client)

    def run(self, signature, **options):
        """Sends it from a session, and waits until the session of its last task here has ended."""
        with self.session():
            return signature.apply_async(**options)

    @property
    def said(self):
        return [data["at"] for data in self.delivery.data]

    def wait_for(self, *said):
        """All of these, in any order, and under the one job and actor."""
        deadline = threading.Event()
        for _ in range(300):
            if len(self.delivery.sent) >= len(said):
                break
            deadline.wait(0.01)
        assert sorted(self.said) == sorted(said)
        assert set(self.delivery.jobs) <= {"job-1"}
        assert set(self.delivery.actors) <= {("user-one", "user")}


def say(at):
    events.created_test({"at": at})


@pytest.fixture(scope="module")
def _worker():
    service = Service("hooks")

    def leave_logging_alone(**_signal):
        """Its receivers take the place of Celery's own set-up, which would change logging for the whole process."""

    signals.setup_logging.connect(leave_logging_alone)
    with start_worker(service.app, pool="threads", concurrency=2, perform_ping_check=False):
        yield service
    signals.setup_logging.disconnect(leave_logging_alone)


@pytest.fixture(scope="module")
def _eager():
    return Service("hooks-eager", task_always_eager=True)


@pytest.fixture(params=["_worker", "_eager"])
def service(request):
    service = request.getfixturevalue(request.param)
    service.delivery.__init__()
    return service


def test_the_hooks_of_a_task_that_succeeds_are_in_its_session(service):
    service.run(service.work.s())
    service.wait_for("before_start", "body", "on_success", "after_return")


def test_the_hooks_of_a_task_that_fails_publish_though_its_own_events_are_dropped(service):
    service.run(service.work.s("fail"))
    service.wait_for("before_start", "on_failure", "after_return")


def test_the_hooks_of_a_retry_are_in_its_session(service):
    service.run(service.work.s("retry"))
    service.wait_for("before_start", "on_retry", "before_start", "body", "on_success", "after_return")


def test_the_hooks_of_an_automatic_retry_are_in_its_session(service):
    service.run(service.work_again.s())
    service.wait_for("before_start", "on_retry", "before_start", "on_failure", "after_return")


def test_an_ignored_task_keeps_its_events(service):
    service.run(service.work.s("ignore"))
    service.wait_for("before_start", "body")


def test_errbacks_are_in_the_session_of_their_task_called_inline_or_sent(service):
    """Celery calls those of more than one argument (celery/celery#4022, #9787), and sends the others."""
    errbacks = [service.inline_errback.s(), service.sent_errback.s()]
    service.run(service.work.s("fail"), link_error=errbacks)
    service.wait_for("before_start", "on_failure", "after_return", "inline errback", "sent errback")


def test_an_errback_that_fails_takes_no_other_events_along(service):
    service.run(service.work.s("fail"), link_error=[service.broken_errback.s(), service.inline_errback.s()])
    assert "inline errback" in _after(service, 5 if service.app.conf.task_always_eager else 4)


def _after(service, count):
    waiting = threading.Event()
    for _ in range(300):
        if len(service.delivery.sent) >= count:
            break
        waiting.wait(0.01)
    return service.said


@pytest.mark.parametrize("service", ["_worker"], indirect=True)
def test_a_chain_that_breaks_calls_its_errback_in_the_job(service):
    broken = chain(service.work.si(), service.work.si("fail"), service.work.si())
    service.run(broken, link_error=service.inline_errback.s())
    service.wait_for(
        *("before_start", "body", "on_success", "after_return"),
        *("before_start", "on_failure", "after_return", "inline errback"),
    )


@pytest.mark.parametrize("service", ["_worker"], indirect=True)
def test_a_chord_and_a_group_stay_in_the_job(service):
    header = group(service.work.si(), service.work.si())
    service.run(chord(header, service.join.s()))
    service.wait_for(*["before_start", "body", "on_success", "after_return"] * 2, "joined")


@pytest.mark.parametrize("outcome", [None, "retry", "fail"])
def test_receivers_of_signals_are_in_the_session(service, outcome):
    def receive(sender, signal, **_):
        if sender.app is service.app:
            say(signal.name)

    for signal in SIGNALS:
        signal.connect(receive, weak=False)
    try:
        service.run(service.work.s(outcome))
        expected = {None: {"task_success"}, "retry": {"task_retry", "task_success"}, "fail": {"task_failure"}}[outcome]
        _after(service, {None: 6, "retry": 10, "fail": 5}[outcome])
        # Receivers of the last signal are, if they were connected before the worker started.
        assert {at for at in service.said if at.startswith("task_")} == {"task_prerun", *expected}
    finally:
        for signal in SIGNALS:
            signal.disconnect(receive)
    assert set(service.delivery.jobs) == {"job-1"}


def test_a_hook_whose_events_are_not_delivered_leaves_the_result_alone(caplog):
    service = Service("hooks-refused", task_always_eager=True)

    class Refused(service.app.Task):
        def on_success(self, *_):
            service.delivery.refuses = True
            say("on_success")

    @service.app.task(base=Refused)
    def done():
        return "done"

    assert done.delay().get() == "done"
    assert "not delivered" in caplog.text


def test_an_errback_of_a_task_whose_process_is_gone_has_a_session_of_its_own():
    """Celery calls it in the main process, where the task itself has none, with the request of that task."""
    service = Service("hooks-gone", task_always_eager=True)
    service.app.finalize()
    from celery.app.task import Context

    request = Context({"id": "1", "headers": {"x-britecore-job-id": "job-1"}, "x-britecore-actor-id": "user-one"})
    request.update({"x-britecore-actor-type": "user", "errbacks": [service.inline_errback.s()], "delivery_info": {}})
    service.app.backend.mark_as_failure("1", LookupError("killed"), request=request)
    service.wait_for("inline errback")
    assert len(service.delivery.sent) == 1


def test_two_applications_of_one_process_keep_apart():
    one, two = (Service(name, task_always_eager=True) for name in ("hooks-one", "hooks-two"))
    one.run(one.work.s("fail"))
    two.run(two.work.s())
    assert (sorted(one.said), len(two.said)) == (["after_return", "before_start", "on_failure"], 4)


def test_hooks_of_a_task_without_install_see_no_session():
    app = Celery("bare", broker="memory://", set_as_current=False, task_always_eager=True)
    seen = []

    @app.task(shared=False)
    def task():
        seen.append(events.current_job_id())

    task.apply()
    assert seen == [None]


def test_a_task_whose_process_was_killed_has_its_hooks_and_errbacks_in_its_job():
    """Celery runs them in the worker's main process, where the task never began."""
    service = Service("hooks-killed")
    signals.worker_init.send(sender=None)
    task = service.app.tasks[service.work.name]
    service.run(service.work.s(), link_error=[service.inline_errback.s(), service.sent_errback.s()])
    with service.app.connection_for_read() as connection, connection.SimpleQueue("hooks-killed") as queue:
        message = queue.get_nowait()
        task.Request(message, app=service.app, task=task, eventer=None).on_timeout(soft=False, timeout=1)
        sent = queue.get_nowait()
    service.wait_for("inline errback", "on_failure", "after_return")
    assert (sent.headers["x-britecore-job-id"], sent.headers["x-britecore-actor-id"]) == ("job-1", "user-one")


@pytest.mark.filterwarnings("ignore:Exception raised outside body")
@pytest.mark.parametrize("sender", [{"x-britecore-job-id": "job-1", **USER}, {}], ids=["a job", "no job"])
@pytest.mark.parametrize("service", ["_worker"], indirect=True)
def test_errbacks_that_are_called_again_after_an_internal_error_stay_in_the_job(service, sender):
    """Celery fails a second time a task whose failure it could not record, when its session has ended."""
    links = [service.inline_errback.s(), service.sent_errback.s()]
    service.fails_to_hear.apply_async(link_error=links, headers=sender)
    said = _after(service, 7)
    assert sorted(said) == ["before_start", *["inline errback"] * 2, *["on_failure"] * 2, *["sent errback"] * 2]
    assert len(set(service.delivery.jobs)) == 1
    assert set(service.delivery.actors) == {
        ("user-one" if sender else "PolicyService", "user" if sender else "service")
    }


def request_of(service, name):
    """The request that a worker makes of the one message of its queue."""
    task = service.app.tasks[service.work.name]
    with service.app.connection_for_read() as connection, connection.SimpleQueue(name) as queue:
        message = queue.get_nowait()
        message.ack()
    return task.Request(message, app=service.app, task=task, eventer=None)


@pytest.mark.parametrize("call", ["terminate", "revoked", "cancel"])
def test_a_task_that_the_main_process_ends_has_its_receivers_and_hooks_in_its_job(call):
    service = Service(f"hooks-{call}")
    signals.worker_init.send(sender=None)
    service.run(service.work.s(), **({"expires": -1} if call == "revoked" else {}))
    request = request_of(service, f"hooks-{call}")
    request.time_start, request.worker_pid = 1.0, 1

    def receive(sender, signal, **_):
        say(signal.name)

    seen = signals.task_retry if call == "cancel" else signals.task_revoked
    seen.connect(receive, weak=False)
    try:
        getattr(request, call)(*([Pool()] if call != "revoked" else []))
    finally:
        seen.disconnect(receive)
    service.wait_for(*({"task_retry", "on_retry"} if call == "cancel" else {"task_revoked"}))


class Pool:
    def terminate_job(self, pid, signal):
        """There is no process."""


def test_a_job_that_begins_with_a_task_is_the_same_in_every_process_of_the_worker():
    service = Service("hooks-new")
    signals.worker_init.send(sender=None)
    service.work.apply_async(headers={"kept": "kept"})
    request = request_of(service, "hooks-new")
    carried = []
    request.execute()
    carried.extend(service.delivery.jobs)
    request.on_timeout(soft=False, timeout=1)
    assert (len(service.delivery.sent), len(carried), len(set(service.delivery.jobs))) == (6, 4, 1)
    assert request.request_dict["kept"] == "kept"
