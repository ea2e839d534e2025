"""Rules 5, 6 and 10: mistakes in the use of decorators and scopes, which are refused where they are written."""

import asyncio
import contextlib
import decimal
import functools
import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest import mock

import pytest
from django.utils.functional import classproperty

from bc_events import ConfigurationError, InvalidActorError, events

from .recording import say

CONTEXTS = [events.session, events.service_context, events.third_party_context, events.user_context, events.override]
every_decorator = pytest.mark.parametrize("decorator", CONTEXTS, ids=lambda decorator: decorator.__name__)


@every_decorator
def test_rule_05_a_decorator_without_its_parentheses_is_refused_where_it_is_written(decorator):
    for parameters in ("", "callback", "self, *, urgent=False"):
        code = f"@decorator\ndef place({parameters}):\n    '''Places an order.'''\n"
        with pytest.raises(TypeError, match=rf"@events.{decorator.__name__} stands above place without its parenth"):
            exec(code, {"decorator": decorator})


@every_decorator
def test_rule_05_a_decorator_without_its_parentheses_is_refused_among_others(decorator):
    """The decorated function is not in the line of the decorator, and is wrapped by another one."""

    def another(function):
        return functools.wraps(function)(lambda *args: function(*args))

    with pytest.raises(TypeError, match="without its parentheses"):

        @another
        @decorator
        @another
        def place(order):
            say(order)


@every_decorator
@pytest.mark.parametrize("function", ["async def place(): pass", "def place(): yield", "class place: pass"])
def test_rule_05_a_decorator_without_its_parentheses_is_refused_above_what_makes_no_job_id(decorator, function):
    names = {}
    exec(function, names)
    with pytest.raises(TypeError, match="without its parentheses"):
        decorator(names["place"])


@every_decorator
@pytest.mark.parametrize("kind", [classmethod, staticmethod, property])
def test_rule_05_a_decorator_without_its_parentheses_is_refused_above_a_descriptor(decorator, kind):
    with pytest.raises(TypeError, match="without its parentheses"):
        decorator(kind(say))


def order_job_id(order):
    return f"order-{order}"


def test_rule_04_a_callable_job_id_is_no_decorated_function(client, recording):
    def local_job_id(order):
        return f"order-{order}"

    class Ids:
        def of(self, order):
            return f"order-{order}"

    for job_id in (order_job_id, local_job_id, Ids().of, lambda order: f"order-{order}", "order-{}".format, str):
        events.session(job_id)(say)(17)
    assert recording.jobs == ["order-17"] * 5 + ["17"]


@contextlib.contextmanager
def working():
    yield


@contextlib.asynccontextmanager
async def working_later():
    yield


class Entered:
    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        """Nothing was opened."""


class Awaited:
    def __await__(self):
        yield


class Stepped:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


def a_future():
    loop = asyncio.new_event_loop()
    loop.close()
    return loop.create_future()


LATER = {
    "manager": working,
    "scope": events.session,
    "async manager": working_later,
    "closing": lambda: contextlib.closing(SimpleNamespace()),
    "own manager": Entered,
    "decimal": decimal.localcontext,
    "future": a_future,
    "own awaitable": Awaited,
    "map": lambda: map(say, [1]),
    "filter": lambda: filter(say, [1]),
    "chain": lambda: itertools.chain([1]),
    "own iterator": Stepped,
}


@pytest.mark.parametrize("make", LATER.values(), ids=LATER)
def test_rule_06_a_function_whose_result_begins_its_work_later_is_refused(make, client, recording):
    @events.session()
    def hiding():
        say(1)
        return make()

    with pytest.raises(TypeError, match="returned an? .*, whose work begins after this decorator's scope has ended; "):
        hiding()
    assert recording.numbers == []


@pytest.mark.parametrize("function", [working, working_later, functools.partial(map, say)])
def test_rule_06_it_is_refused_when_it_is_decorated_where_that_is_known_then(function):
    with pytest.raises(TypeError, match="returns a .*, whose work begins after"):
        events.session()(function)


class WithoutHash(type):
    def __eq__(cls, other):
        return cls is other


READY = {
    "object of a class without a hash": WithoutHash("Made", (), {}),
    "file": io.StringIO,
    "stack": contextlib.ExitStack,
    "pool": lambda: ThreadPoolExecutor(1),
    "mock": mock.MagicMock,
    "stored items": lambda: iter({"a": 1}.items()),
    "stored numbers": lambda: iter(range(3)),
    "stored numbers of more than 64 bits": lambda: iter(range(2**64)),
    "list": lambda: [1],
}


@pytest.mark.parametrize("make", READY.values(), ids=READY)
def test_rule_06_a_result_that_is_at_work_already_is_returned(make, client, recording):
    @events.session()
    def open_one():
        say(1)
        return make()

    assert open_one() is not None
    assert recording.numbers == [1]


def test_rule_06_detached_work_may_start_a_task(client, recording):
    """The task is in the context in which it was started."""

    async def work():
        say(1)

    async def main():
        start = events.detached(asyncio.create_task)
        with events.session():
            task = start(events.session()(work)())
        await task

    asyncio.run(main())
    assert recording.numbers == [1]


def test_rule_06_a_descriptor_that_makes_no_methods_is_refused():
    class Held:
        work = events.session()(classproperty(lambda _cls: 1))

    with pytest.raises(TypeError, match="makes no methods"):
        _ = Held.work


@pytest.mark.parametrize("commit_on", [None, [], "", 0, int, (int,), (SystemExit, "KeyboardInterrupt")])
def test_rule_10_commit_on_takes_exception_classes_alone(commit_on):
    """Otherwise it would be read at the end of the work, and raise in place of the work's own exception."""
    with pytest.raises(TypeError, match="commit_on must be a tuple of exception classes"):
        events.session(commit_on=commit_on)


def test_rule_18_another_actor_or_client_is_refused_where_it_is_given():
    with pytest.raises(InvalidActorError, match="actor was given a str"):
        events.session(actor="a-user-id")
    with pytest.raises(ConfigurationError, match="client was given a str"):
        events.session(client="PolicyService")
    with pytest.raises(ConfigurationError, match="override was given None"):
        events.override(None)
