"""Rule 22: threads inherit no session, `events.propagate` hands one down; and worker processes, of rule 23."""

import asyncio
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import pytest
from opentelemetry import baggage, context

from bc_events import NoActiveSessionError, SessionClosedError, events

from .matrix import over
from .models import IN_PROCESS, PLACES, WITHOUT_CONTEXT, Bare
from .recording import Recording, recording_client, say

INHERITS = bool(getattr(sys.flags, "thread_inherit_context", False))
"""Whether threads of this interpreter start with their starter's context: from Python 3.14 on, if asked to."""
BARE_THREADS = {name: PLACES[name] for name in sorted(WITHOUT_CONTEXT)}


def ambient():
    return events.current_job_id(), baggage.get_baggage("bc-job-id")


@over(BARE_THREADS)
def test_rule_22_a_bare_thread_has_no_session_unless_the_interpreter_hands_contexts_down(model, client, recording):
    with events.session("job-1"):
        if INHERITS and model is PLACES["thread"]:
            model(Bare(), lambda: say(1), recording)
        else:
            with pytest.raises(NoActiveSessionError, match=r"start it with events.propagate\(fn\)"):
                model(Bare(), lambda: say(1), recording)


@over(BARE_THREADS)
def test_rule_22_a_bound_function_belongs_to_the_session_that_was_live(model, client, recording):
    with events.user_context("a-user-id", "job-1"):
        bound = events.propagate(lambda: [say(1), ambient()][1])
        with events.session("another"):
            assert model(Bare(), bound, recording) == ("job-1", "job-1")
        assert recording.numbers == []
    assert (recording.numbers, recording.jobs, recording.actors) == ([1], ["job-1"], ["a-user-id"])


@over(IN_PROCESS)
def test_rule_22_a_detached_function_belongs_to_none(model, client, recording):
    @events.detached
    def alone():
        with pytest.raises(NoActiveSessionError):
            say(1)
        with events.session("another"):
            say(2)
            return recording.numbers

    with events.session("job-1"):
        assert model(Bare(), alone, recording) == []
        assert recording.numbers == [2]
        assert ambient() == ("job-1", "job-1")


JOBS_AROUND = {
    "session": lambda: events.session("job-1"),
    "outside": lambda: carried("bc-job-id"),
    "both": lambda: nested(carried("bc-job-id"), events.session("job-1")),
    "another key": lambda: events.session("job-1", client=recording_client(Recording(), baggage_key="other-id")),
    "unwritten": lambda: nested(
        carried("other-id"),
        events.session(client=recording_client(Recording(), baggage_key="other-id", write_baggage=False)),
    ),
}


@contextmanager
def carried(key):
    """A job id from outside, as OpenTelemetry's instrumentation of a server puts it into baggage."""
    before = context.get_current()
    context.attach(baggage.set_baggage(key, "job-1"))
    yield
    context.attach(before)


@contextmanager
def nested(outer, inner):
    with outer, inner:
        yield


@over(IN_PROCESS)
def test_rule_19_detached_work_has_no_job(model, client, recording):
    @events.detached
    def alone():
        assert events.current_job_id() is None
        with events.session() as session:
            say(1)
            return baggage.get_all() == {"bc-job-id": session.job_id} and session.job_id

    for name, around in JOBS_AROUND.items():
        with around():
            before = baggage.get_all()
            assert model(Bare(), alone, recording) not in (False, "job-1"), name
            assert baggage.get_all() == before, name
    assert len(recording.jobs) == len(JOBS_AROUND)


def test_rule_19_a_detached_worker_takes_each_job_from_its_message(client, recording):
    """The baggage that it sets itself counts. Only the baggage around it is taken away."""

    @events.detached
    def work():
        with carried("bc-job-id"), events.session():
            say(1)

    with events.session("job-2"):
        work()
    assert recording.jobs == ["job-1"]


def test_rule_19_a_detached_generator_has_no_job_in_its_steps_alone(client):
    @events.detached
    def work():
        yield ambient()
        yield ambient()

    with events.session("job-1"):
        for seen in work():
            assert seen == (None, None)
            assert ambient() == ("job-1", "job-1")


def test_rule_22_a_bound_function_neither_flushes_nor_rolls_back(client, recording):
    def fail():
        say(2)
        raise ZeroDivisionError

    with events.session():
        events.propagate(say)(1)
        with pytest.raises(ZeroDivisionError):
            events.propagate(fail)()
        assert recording.numbers == []
    assert recording.numbers == [1, 2]


def test_rule_22_a_bound_function_leaves_its_thread_as_it_was(client, recording):
    with events.session("job-2"):
        bound = events.propagate(ambient)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(bound).result() == ("job-2", "job-2")
            assert pool.submit(ambient).result() == (None, None)


def test_rule_22_a_bound_coroutine_and_a_bound_generator_keep_the_session(client, recording):
    with events.session("job-1"):

        @events.propagate
        async def coroutine():
            await asyncio.sleep(0)
            say(1)

        @events.propagate
        def generator():
            yield say(2)
            yield say(3)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, coroutine()).result()
            pool.submit(list, generator()).result()
    assert recording.numbers == [1, 2, 3]


def test_rule_22_nothing_is_bound_where_no_session_is_live(client):
    with pytest.raises(NoActiveSessionError):
        events.propagate(say)


def test_rule_22_a_bound_function_that_outlives_its_session_is_refused(client, recording):
    with events.session():
        bound = events.propagate(say)
    with ThreadPoolExecutor(1) as pool, pytest.raises(SessionClosedError):
        pool.submit(bound, 1).result()


_UNPATCHED = """
import asyncio, concurrent.futures, contextvars, multiprocessing, os, threading

WATCHED = (threading, threading.Thread, concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor,
           asyncio, asyncio.BaseEventLoop, contextvars, multiprocessing.Process)
before = [dict(vars(one)) for one in WATCHED]
fork = os.fork
from bc_events import EventClient, events
from tests.ambient.recording import Recording, recording_client, say

async def main():
    async with events.session():
        say(1)
        await asyncio.to_thread(say, 2)

with recording_client(Recording()) as client, events.override(client):
    asyncio.run(main())
assert os.fork is fork
for one, names in zip(WATCHED, before):
    changed = [name for name, value in names.items() if vars(one).get(name) is not value and not name.startswith("_")]
    assert not changed, (one, changed)
"""


def test_rule_22_nothing_is_monkey_patched():
    ended = subprocess.run([sys.executable, "-c", _UNPATCHED], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


@events.session("job-1")
def in_a_process():
    return say(1).job_id, ambient()


def configure_worker():
    from .recording import Recording, recording_client

    events.configure(recording_client(Recording()))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_rule_23_a_decorated_function_runs_in_a_worker_process_in_a_session_of_its_own(method, client, recording):
    with events.session("outer"):
        say(1)
        with ProcessPoolExecutor(1, mp_context=get_context(method), initializer=configure_worker) as pool:
            assert pool.submit(in_a_process).result() == ("job-1", ("job-1", "job-1"))
            assert pool.submit(ambient).result() == (None, None)
    assert recording.jobs == ["outer"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_rule_23_a_process_started_in_a_session_neither_joins_nor_ends_it(method, client, recording):
    with events.session("outer"):
        say(1)
        process = get_context(method).Process(target=start_alone)
        process.start()
        process.join()
        say(2)
    assert process.exitcode == 0
    assert len(recording.batches) == 1
    assert recording.numbers == [1, 2]


def start_alone():
    configure_worker()
    assert ambient() == (None, None)
    with pytest.raises(NoActiveSessionError):
        say(1)
    in_a_process()
