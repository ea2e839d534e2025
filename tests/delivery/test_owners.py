"""Code of others that raises while events change hands: each event is still delivered, or named by an error."""

import asyncio
import contextvars
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry import propagate
from opentelemetry.propagators.textmap import TextMapPropagator, default_getter, default_setter

from bc_events import DeliveryError, OutboxError, events
from bc_events._delivery import observers
from bc_events.local import LocalEventsAPI

ROOT = Path(__file__).parents[2]


class Faulty:
    """An observer whose every method raises."""

    def __getattr__(self, name):
        def fail(*_arguments, **_options):
            raise ZeroDivisionError(name)

        return fail


class FaultyHandler(logging.Handler):
    def emit(self, _record):
        raise ZeroDivisionError


@pytest.fixture
def faulty_observer():
    observers.add(observer := Faulty())
    yield
    observers.remove(observer)


@pytest.fixture
def faulty_log():
    logger = logging.getLogger("bc.events")
    logger.addHandler(handler := FaultyHandler())
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(level)
    logger.removeHandler(handler)


class Recorded:
    """A delivery that keeps what it is given, or fails as it is told to."""

    record = runner = None

    def __init__(self, failure=None, *, can_discard=True):
        self.failure = failure
        self.can_discard = can_discard
        self.ids = []

    def discard(self, _events):
        if not self.can_discard:
            raise OutboxError("the database is gone")

    def send(self, published):
        if self.failure is not None:
            raise self.failure
        self.ids += [event.data["id"] for event in published]

    def close(self):
        """Nothing is open."""


def test_an_observer_that_raises_loses_no_event_and_is_logged(client_of, faulty_observer, caplog):
    delivery = Recorded()
    with events.session(client=client_of(None, delivery=delivery)):
        events.created_test({"id": 1})
        with pytest.raises(LookupError), events.session():
            events.created_test({"id": 2})
            raise LookupError
    assert delivery.ids == [1]
    assert "an observer of events failed" in caplog.text


def test_an_observer_that_raises_keeps_no_request_from_going_out(client_of, faulty_observer):
    with LocalEventsAPI() as api:
        with events.session(client=client_of(api)):
            events.created_test({"id": 1})
        assert [event.data["id"] for event in api.events()] == [1]


def test_a_log_handler_that_raises_changes_no_outcome(client_of, faulty_log):
    delivery = Recorded()
    with events.session(client=client_of(None, delivery=delivery)):
        events.created_test({"id": 1})
        with pytest.raises(LookupError), events.session():
            events.created_test({"id": 2})
            raise LookupError
    assert delivery.ids == [1]


def test_a_log_handler_that_raises_is_no_failure_of_a_client_that_only_logs(client_of, faulty_log):
    with events.session(client=client_of(None)):
        events.created_test({"id": 1})


@pytest.mark.parametrize("failure", [ValueError("a bug"), KeyboardInterrupt()], ids=["bug", "interrupt"])
def test_what_a_delivery_raises_goes_on_from_an_error_that_names_the_events(client_of, failure):
    with pytest.raises(type(failure)) as raised, events.session(client=client_of(None, delivery=Recorded(failure))):
        events.created_test({"id": 1})
        events.created_test({"id": 2})
    told = raised.value.__cause__
    assert isinstance(told, DeliveryError)
    assert [(item.event.data["id"], item.outcome) for item in told.undelivered] == [(1, "unknown"), (2, "unknown")]
    assert sum(len(request.events) for request in told.requests) == 2


def test_a_delivery_that_cannot_take_back_some_events_still_sends_the_others(client_of, caplog):
    """A scope that is still open elsewhere is dropped as the outermost ends."""
    delivery = Recorded(can_discard=False)
    with events.session(client=client_of(None, delivery=delivery)):
        events.created_test({"id": 1})
        elsewhere = contextvars.copy_context()
        elsewhere.run(events.session().__enter__)
        elsewhere.run(events.created_test, {"id": 2})
    assert delivery.ids == [1]
    assert "could not be rolled back" in caplog.text


def test_a_rollback_by_hand_that_cannot_be_done_says_so(client_of):
    with events.session(client=client_of(None, delivery=Recorded(can_discard=False))):
        events.created_test({"id": 1})
        with pytest.raises(OutboxError):
            events.rollback()


class Slow(Faulty):
    """An observer that takes longer than its thread has."""

    def __init__(self):
        self.published = None

    def __getattr__(self, name):
        def wait(*_arguments, **_options):
            signal.raise_signal(signal.SIGINT)

        return wait


class Limit(Exception):
    """As Celery's SoftTimeLimitExceeded."""


def test_a_time_limit_that_ends_while_an_observer_is_told_goes_on_and_names_the_events(client_of):
    def limit(_signal, _frame):
        raise Limit

    before = signal.signal(signal.SIGINT, limit)
    observers.add(observer := Slow())
    try:
        with pytest.raises(Limit) as raised, events.session(client=client_of(None, delivery=Recorded())):
            events.created_test({"id": 1})
    finally:
        observers.remove(observer)
        signal.signal(signal.SIGINT, before)
    assert [item.event.data["id"] for item in raised.value.__cause__.undelivered] == [1]


class Propagator(TextMapPropagator):
    """Writes headers as it likes, or fails."""

    fields = frozenset()

    def __init__(self, **written):
        self._written = {name.replace("_", "-"): value for name, value in written.items()}

    def inject(self, carrier, _context=None, setter=default_setter):
        for name, value in self._written.items():
            setter.set(carrier, name, value)
        if not self._written:
            raise RuntimeError("there is no context")

    def extract(self, _carrier, context=None, getter=default_getter):
        return context


@pytest.fixture
def propagators():
    before = propagate.get_global_textmap()
    yield propagate.set_global_textmap
    propagate.set_global_textmap(before)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"X_Britecore_Job_Id": "another"},
        {"idempotency_key": "one for all"},
        {"x_trace": "two\r\nlines"},
        {"x_trace": " blank"},
        {"n": 7},
        {"transfer_encoding": "chunked", "host": "elsewhere", "content_encoding": "gzip"},
    ],
    ids=["raises", "another job", "another key", "two lines", "a blank first", "no text", "another framing"],
)
def test_a_propagator_neither_keeps_an_event_from_arriving_nor_changes_its_job(written, client_of, propagators):
    propagators(Propagator(**written))
    with LocalEventsAPI() as api:
        with events.session("job-1", client=client_of(api, retry_budget=0)):
            events.created_test({"id": 1})
        [event] = api.events()
    assert (event.job_id, event.idempotency_key != "one for all") == ("job-1", True)


async def _refusing(_work):
    raise LookupError("the loop is closed")


async def _forgetting(_work):
    """Ends without having begun."""


async def _waiting(_work):
    await asyncio.sleep(60)


@pytest.mark.parametrize("runner", [_refusing, _forgetting], ids=["refuses", "forgets"])
def test_a_runner_that_does_not_run_a_flush_loses_no_event(runner, client_of):
    delivery = Recorded()
    delivery.runner = runner

    async def main():
        async with events.session(client=client_of(None, delivery=delivery)):
            events.created_test({"id": 1})

    asyncio.run(main())
    assert delivery.ids == [1]


def test_a_flush_that_is_cancelled_before_its_runner_begins_is_done_all_the_same(client_of):
    delivery = Recorded()
    delivery.runner = _waiting

    async def work():
        async with events.session(client=client_of(None, delivery=delivery)):
            events.created_test({"id": 1})

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert delivery.ids == [1]


TELEMETRY = """
import sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from bc_events import EventClient, events
from bc_events._delivery import observers

class Faulty(SpanProcessor):
    def on_start(self, *_arguments, **_options): raise RuntimeError("the processor is misconfigured")
    on_end = on_start

class FaultyMeterProvider(metrics.MeterProvider):
    def get_meter(self, *_arguments, **_options): raise RuntimeError("there are no metrics")

trace.set_tracer_provider(provider := TracerProvider())
provider.add_span_processor(Faulty())
if sys.argv[1] == "metrics":
    metrics.set_meter_provider(FaultyMeterProvider())

class Delivery:
    record = runner = None
    def discard(self, events): pass
    def send(self, events): print("sent", [event.data["id"] for event in events])
    def close(self): pass

topics = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}
with events.session(client=EventClient(None, "TestService", topics, delivery=Delivery())):
    events.created_test({"id": 1})
"""


@pytest.mark.parametrize("faulty", ["spans", "metrics"])
def test_telemetry_that_raises_loses_no_event(faulty):
    """In a separate process, because OpenTelemetry's providers can be set once for each process."""
    run = subprocess.run(
        [sys.executable, "-c", TELEMETRY, faulty], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (run.stdout, run.returncode) == ("sent [1]\n", 0), run.stderr
