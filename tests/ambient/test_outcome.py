"""Rules 9, 10, 12 and 13: what the end of a scope means for its events."""

import asyncio
import contextlib
import contextvars
import gc

import click
import pytest

from bc_events import DeliveryError, SessionClosedError, events

from .matrix import over
from .models import ALL, BLOCKS, IN_PROCESS, PROCESSES, Bare
from .recording import say

NEVER_LEFT = "2 events of job job-1 lost: the scope was entered and never left, so they were neither sent nor dropped"


class OwnError(BaseException):
    """An exception that derives from BaseException alone."""


FAILURES = [
    ValueError("order"),
    OwnError("order"),
    KeyboardInterrupt(),
    SystemExit(0),
    SystemExit(),
    SystemExit(1),
    GeneratorExit(),
    asyncio.CancelledError(),
    StopIteration("order"),
    StopAsyncIteration(),
    ExceptionGroup("orders", [ValueError("order")]),
    BaseExceptionGroup("orders", [KeyboardInterrupt()]),
]
CANNOT_CARRY_STOP_ITERATION = {"to_thread", "run_in_executor", "marked_callable_object"}
"""An asyncio future cannot hold one. On Python 3.11, code that waits for it waits for ever (python/cpython#112182)."""


def failures_of(model):
    """Each way to fail that Python can carry through this execution model."""
    for error in FAILURES:
        if type(error) is not StopIteration or model.__name__ not in CANNOT_CARRY_STOP_ITERATION:
            error.__traceback__ = error.__cause__ = error.__context__ = None
            yield error


def raised_by(call):
    try:
        call()
    except BaseException as error:
        return error
    pytest.fail("nothing was raised")


@over(ALL)
def test_rule_09_a_normal_return_flushes(model, client, recording):
    model(events.session(), lambda: [say(1), say(2)], recording)
    assert len(recording.batches) == 1
    assert recording.numbers == [1, 2]


@over(IN_PROCESS)
def test_rule_09_any_exception_drops_the_events_and_goes_on_unchanged(model, client, recording, caplog):
    recording.on_send = lambda: pytest.fail("a rollback does no I/O")
    for error in failures_of(model):

        def body(error=error):
            say(1)
            say(2)
            raise error

        bare = raised_by(lambda error=error: model(Bare(), lambda: _raise(error), recording))
        raised = raised_by(lambda body=body: model(events.session(), body, recording))
        assert type(raised) is type(bare), error
        assert (raised is error) == (bare is error), error
        assert recording.numbers == [], error
        assert [event.data["n"] for event in recording.discarded] == [1, 2], error
        assert [record.bc_dropped for record in caplog.records if record.name == "bc.events"] == [2], error
        assert events.current_job_id() is None, error
        recording.discarded.clear()
        caplog.clear()


def _raise(error):
    raise error


@over(PROCESSES)
def test_rule_09_any_exception_in_another_process_drops_the_events(model, client, recording):
    for error in failures_of(model):

        def body(error=error):
            say(1)
            raise error

        assert type(raised_by(lambda body=body: model(events.session(), body, recording))) is type(error)
        assert recording.numbers == [], error


@over(IN_PROCESS)
def test_rule_09_nothing_is_logged_where_nothing_was_dropped(model, client, recording, warnings_logged):
    raised_by(lambda: model(events.session(), lambda: _raise(ValueError()), recording))
    assert warnings_logged() == []


def test_rule_09_a_rollback_that_fails_does_not_mask_the_exception(client, recording, warnings_logged, caplog):
    recording.discard = lambda _events: _raise(OSError("the disk is gone"))
    with pytest.raises(ZeroDivisionError), events.session("job-1"):
        say(1)
        raise ZeroDivisionError
    assert warnings_logged() == [
        "1 event of job job-1 could not be rolled back",
        "1 event of job job-1 dropped: the scope ended with ZeroDivisionError",
    ]
    assert "OSError: the disk is gone" in caplog.text
    assert recording.numbers == []


@over(ALL)
def test_rule_10_commit_on_makes_an_exception_a_success_and_it_still_goes_on(model, client, recording):
    def body():
        say(1)
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        model(events.session(commit_on=(SystemExit, KeyboardInterrupt)), body, recording)
    assert recording.numbers == [1]


@pytest.mark.parametrize("commit_on", [[SystemExit], "SystemExit", ("SystemExit",)])
def test_rule_10_commit_on_that_catches_nothing_is_refused_before_the_work(commit_on, client):
    """Otherwise it would raise at the end, in place of the work's own exception, and the session would stay live."""
    with pytest.raises(TypeError, match=r"give one such as \(SystemExit,\)"):
        events.session(commit_on=commit_on)


@pytest.mark.parametrize("status", [0, None])
@over(IN_PROCESS)
def test_rule_10_the_warning_of_a_clean_exit_names_commit_on(model, status, client, recording, warnings_logged):
    def body():
        say(1)
        raise SystemExit(status)

    with pytest.raises(SystemExit):
        model(events.session(), body, recording)
    (message,) = warnings_logged()
    assert "commit_on=(SystemExit,)" in message


class OwnExit(Exception):
    def __init__(self, code):
        self.code = code


class BrokenExit(Exception):
    @property
    def code(self):
        raise ZeroDivisionError


@pytest.mark.parametrize("error", [click.exceptions.Exit(0), OwnExit(0)], ids=["click", "own"])
def test_rule_10_a_frameworks_own_exit_with_status_0_names_commit_on_too(error, client, warnings_logged):
    with pytest.raises(type(error)), events.session():
        say(1)
        raise error
    (message,) = warnings_logged()
    assert f"commit_on=({type(error).__name__},)" in message


@pytest.mark.parametrize(
    "error",
    [click.exceptions.Exit(2), OwnExit(None), OwnExit(False), BrokenExit()],
    ids=["2", "None", "False", "broken"],
)
def test_rule_10_another_status_is_like_any_exception(error, client, warnings_logged):
    with pytest.raises(type(error)), events.session("job-1"):
        say(1)
        raise error
    assert warnings_logged() == [f"1 event of job job-1 dropped: the scope ended with {type(error).__name__}"]


def test_rule_10_a_failing_exit_is_like_any_exception(client, warnings_logged):
    with pytest.raises(SystemExit), events.session("job-1"):
        say(1)
        say(2)
        raise SystemExit(1)
    assert warnings_logged() == ["2 events of job job-1 dropped: the scope ended with SystemExit"]


def endless():
    while True:
        yield say(1)


async def endless_async():
    while True:
        yield say(1)


def close_sync(scope):
    steps = scope(endless)()
    next(steps)
    steps.close()


def collect_sync(scope):
    steps = scope(endless)()
    next(steps)
    del steps
    gc.collect()


def leave_loop_sync(scope):
    for _ in scope(endless)():
        break
    gc.collect()


def close_async(scope):
    async def main():
        steps = scope(endless_async)()
        await anext(steps)
        await steps.aclose()

    asyncio.run(main())


def aclosing_async(scope):
    async def main():
        async with contextlib.aclosing(scope(endless_async)()) as steps:
            async for _ in steps:
                break

    asyncio.run(main())


def leave_loop_async(scope):
    """The loop closes what is collected, in a task of its own."""

    async def main():
        async for _ in scope(endless_async)():
            break
        await asyncio.sleep(0)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    asyncio.run(main())


@pytest.mark.parametrize(
    "close",
    [close_sync, collect_sync, leave_loop_sync, close_async, aclosing_async, leave_loop_async],
    ids=lambda close: close.__name__,
)
@pytest.mark.parametrize("commits", [False, True], ids=["rolls_back", "commits"])
def test_rule_10_a_generator_that_ends_early_rolls_back_unless_told_otherwise(close, commits, client, recording):
    close(events.session(commit_on=(GeneratorExit,) if commits else ()))
    assert recording.numbers == ([1] if commits else [])


@over(ALL)
def test_rule_12_a_flush_that_fails_raises_with_the_undelivered_events(model, client, recording):
    recording.is_down = True
    with pytest.raises(DeliveryError) as raised:
        model(events.session("job-1"), lambda: [say(1), say(2)], recording)
    assert [item.event.data["n"] for item in raised.value.undelivered] == [1, 2]
    assert {item.event.job_id for item in raised.value.undelivered} == {"job-1"}


@over(IN_PROCESS)
def test_rule_12_where_the_body_failed_nothing_is_sent_and_nothing_masks_it(model, client, recording):
    def body():
        say(1)
        raise ZeroDivisionError

    recording.is_down = True
    recording.on_send = lambda: pytest.fail("sent")
    error = raised_by(lambda: model(events.session(), body, recording))
    assert type(error) is ZeroDivisionError
    assert error.__suppress_context__ or error.__context__ is None


@over(ALL)
def test_rule_13_flushing_by_hand_sends_once(model, client, recording):
    def body():
        say(1)
        events.flush()
        events.flush()
        say(2)

    model(events.session(), body, recording)
    assert recording.numbers == [1, 2]
    assert len(recording.batches) == 2


@over(ALL)
def test_rule_13_rolling_back_by_hand_drops_what_is_pending_and_the_session_goes_on(model, client, recording):
    def body():
        say(1)
        dropped = events.rollback()
        say(2)
        return dropped

    assert model(events.session(), body, recording) == 1
    assert recording.numbers == [2]


@over(ALL)
def test_rule_13_nothing_is_sent_before_the_end_unasked(model, client, recording):
    def body():
        for n in range(600):
            say(n)
        assert recording.numbers == []

    model(events.session(), body, recording)
    assert recording.numbers == list(range(600))


@over({**BLOCKS, **IN_PROCESS})
def test_rule_13_a_session_closed_by_its_scope_refuses(model, client, recording):
    session = model(events.session(), events.current_session, recording)
    for call in (session.flush, session.rollback, lambda: session.made_note({"n": 1})):
        with pytest.raises(SessionClosedError):
            call()
    assert session.is_closed
    assert list(session.events) == []


def test_rule_13_a_flush_by_hand_sends_open_savepoints_too_and_that_is_final(client, recording):
    with events.session():
        say(1)
        with pytest.raises(ZeroDivisionError), events.session():
            say(2)
            events.flush()
            say(3)
            raise ZeroDivisionError
    assert recording.numbers == [1, 2]


def test_rule_13_a_rollback_by_hand_in_a_savepoint_leaves_what_is_around(client, recording):
    with events.session():
        say(1)
        with events.session():
            say(2)
            with events.session():
                say(3)
            events.rollback()
            say(4)
        say(5)
    assert recording.numbers == [1, 4, 5]


def test_rule_13_what_a_flush_by_hand_could_not_deliver_belongs_to_the_error(client, recording):
    with events.session() as session:
        say(1)
        recording.is_down = True
        with pytest.raises(DeliveryError) as raised:
            events.flush()
        assert list(session.events) == []
        recording.is_down = False
        say(2)
    assert [item.event.data["n"] for item in raised.value.undelivered] == [1]
    assert recording.numbers == [2]


def test_rule_09_a_scope_that_is_never_left_warns_when_it_is_collected(client, recording, caplog):
    def enter():
        events.session("job-1").__enter__()
        say(1)
        events.user_context("a-user-id").__enter__()
        say(2)

    contextvars.copy_context().run(enter)
    gc.collect()
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", NEVER_LEFT)
    assert (record.bc_job_id, record.bc_held) == ("job-1", 2)
    assert recording.numbers == []


def test_rule_09_a_scope_that_is_never_left_warns_of_nothing_where_all_was_flushed(client, recording, warnings_logged):
    def enter():
        events.session().__enter__()
        say(1)
        events.flush()

    contextvars.copy_context().run(enter)
    gc.collect()
    assert warnings_logged() == []
    assert recording.numbers == [1]
