"""Celery: base classes with a `__call__` around their tasks, as for a transaction or an application context."""

import threading

import pytest
from celery import signals
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore

from bc_events import EventClient, events
from bc_events.integrations.celery import install

from .celery_app import make_app
from .conftest import TOPICS, Remembering

CALLS = pytest.mark.parametrize("call", ["super", "run"])


class Service:
    """An application whose tasks are called by their class, by `super().__call__` or by `run`."""

    def __init__(self, name, **settings):
        self.delivery = Remembering()
        self.client = EventClient(None, "PolicyService", TOPICS, delivery=self.delivery)
        self.app = make_app(name, **settings)
        install(self.app, client=self.client)

        class Around(self.app.Task):
            """Publishes before and after the work, and may fail then."""

            def __call__(self, call, work, after=None):
                say("before")
                try:
                    self.run(call, work) if call == "run" else super().__call__(call, work)
                except LookupError:
                    if after != "again":
                        raise
                    self.run(call, None) if call == "run" else super().__call__(call, None)
                say("after")
                if after == "fail":
                    raise OSError("the commit has failed")

        @self.app.task(base=Around, typing=False)
        def work(_call, outcome):
            say(f"work {outcome}")
            if outcome == "fail":
                raise LookupError
            if outcome == "ignore":
                raise Ignore

        self.work = work

    def run(self, *args):
        """Waits until the task has ended, and returns what it said."""
        with events.user_context("user-one", "job-1", client=self.client):
            result = self.work.delay(*args)
        if "ignore" not in args:  # Celery stores no result of that
            result.get(timeout=5, interval=0.01, propagate=False)
        for _ in range(300):
            if self.delivery.sent or "ignore" not in args:
                break
            threading.Event().wait(0.01)
        assert set(self.delivery.jobs) <= {"job-1"}
        return [data["at"] for data in self.delivery.data]


def say(at):
    events.created_test({"at": at})


@pytest.fixture(scope="module")
def _worker():
    service = Service("calls")

    def leave_logging_alone(**_signal):
        """Its receivers take the place of Celery's own set-up, which is the process's."""

    signals.setup_logging.connect(leave_logging_alone)
    with start_worker(service.app, pool="solo", perform_ping_check=False):
        yield service
    signals.setup_logging.disconnect(leave_logging_alone)


@pytest.fixture(scope="module")
def _eager():
    return Service("calls-eager", task_always_eager=True)


@pytest.fixture(params=["_worker", "_eager"])
def service(request):
    service = request.getfixturevalue(request.param)
    service.delivery.__init__()
    return service


@CALLS
def test_it_is_a_part_of_the_task(service, call):
    assert service.run(call, "well") == ["before", "work well", "after"]


@CALLS
def test_a_task_that_fails_after_its_work_drops_its_events(service, call):
    """A transaction around the work, whose commit fails: the events of the work had been sent."""
    assert service.run(call, "well", "fail") == []


@CALLS
def test_a_task_that_fails_in_its_work_drops_its_events(service, call):
    assert service.run(call, "fail") == []


@CALLS
def test_work_that_is_done_again_drops_the_events_of_its_first_attempt(service, call):
    assert service.run(call, "fail", "again") == ["before", "work None", "after"]


@CALLS
def test_an_ignored_task_keeps_its_events(service, call):
    assert service.run(call, "ignore") == ["before", "work ignore"]


def test_the_events_of_a_task_are_sent_together(service):
    sizes = []
    service.delivery.on_send = lambda: sizes.append(len(service.delivery.sent))
    service.run("super", "well")
    assert sizes == [0]


def test_a_task_that_is_called_is_a_function_of_its_caller(service):
    with events.session("job-1", client=service.client):
        service.work("run", "well")
        assert service.delivery.sent == []
    assert len(service.delivery.sent) == 3


def test_it_keeps_its_class(service):
    assert service.work.__class__.__name__ == "work"  # a proxy of the task itself
    assert service.work.delay("run", "well")
