"""Rules 4 to 6: what a decorator may stand on, and what survives it."""

import asyncio
import contextlib
import copy
import functools
import inspect
import pickle
import threading
from typing import Annotated

import pytest

from bc_events import InvalidJobIdError, events

from .matrix import over
from .models import ALL, DECORATED, IN_PROCESS
from .recording import Recording, recording_client, say


@over(ALL)
def test_rule_05_a_scope_serves_every_execution_model(model, client, recording):
    assert model(events.session("job-1"), lambda: say(1).job_id, recording) == "job-1"
    assert recording.numbers == [1]
    assert recording.jobs == ["job-1"]


@over(ALL)
def test_rule_04_a_job_id_is_made_anew_for_each_use(model, client, recording):
    scope = events.session()
    first = model(scope, events.current_job_id, recording)
    second = model(scope, events.current_job_id, recording)
    assert first
    assert second
    assert first != second


@over(DECORATED)
def test_rule_04_the_job_id_is_asked_for_at_each_call(model, client, recording):
    ids = iter(["job-1", "job-2"])
    latest = []

    def job_id(*_args, **_kwargs):
        if not latest:
            latest.append(next(ids))
        return latest[0]

    scope = events.session(job_id)
    model(scope, lambda: say(1), recording)
    latest.clear()
    model(scope, lambda: say(2), recording)
    assert recording.jobs == ["job-1", "job-2"]


def test_rule_04_each_level_of_a_recursion_has_its_own_session(client, recording):
    @events.session(lambda depth: f"job-{depth}")
    def descend(depth):
        say(depth)
        if depth:
            descend(depth - 1)
        assert events.current_job_id() == f"job-{depth}"

    descend(3)
    assert list(zip(recording.jobs, recording.numbers, strict=True)) == [(f"job-{n}", n) for n in range(4)]


def test_rule_04_each_level_of_an_async_recursion_has_its_own_session(client, recording):
    @events.session(lambda depth: f"job-{depth}")
    async def descend(depth):
        say(depth)
        await asyncio.sleep(0)
        if depth:
            await descend(depth - 1)

    asyncio.run(descend(3))
    assert recording.jobs == [f"job-{n}" for n in range(4)]


def test_rule_04_concurrent_tasks_of_one_function_are_independent(client, recording):
    @events.session(lambda n: f"job-{n}")
    async def work(n):
        say(n)
        await asyncio.sleep(0)
        assert events.current_job_id() == f"job-{n}"
        say(n)

    async def main():
        await asyncio.gather(*map(work, range(20)))

    asyncio.run(main())
    assert sorted(recording.jobs) == sorted([f"job-{n}" for n in range(20)] * 2)
    assert all(event.job_id == f"job-{event.data['n']}" for event in recording.events)


def test_rule_04_concurrent_threads_of_one_function_are_independent(client, recording):
    together = threading.Barrier(8)

    @events.session(lambda n: f"job-{n}")
    def work(n):
        together.wait()
        say(n)
        together.wait()

    threads = [threading.Thread(target=work, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(recording.jobs) == [f"job-{n}" for n in range(8)]
    assert all(event.job_id == f"job-{event.data['n']}" for event in recording.events)


def test_rule_04_interleaved_generators_of_one_function_are_independent(client, recording):
    @events.session(lambda n: f"job-{n}")
    def work(n):
        say(n)
        yield
        say(n)

    first, second = work(1), work(2)
    for steps in (first, second, second, first):
        next(steps, None)
    assert [(event.job_id, event.data["n"]) for event in recording.events] == [
        ("job-2", 2),
        ("job-2", 2),
        ("job-1", 1),
        ("job-1", 1),
    ]


def a_function(order, *, urgent: bool = False) -> str:
    """Places an order."""
    return f"{order} {urgent}"


async def a_coroutine(order, *, urgent: bool = False) -> str:
    """Places an order."""
    return f"{order} {urgent}"


def a_generator(order, *, urgent: bool = False):
    """Places an order."""
    yield f"{order} {urgent}"


async def an_async_generator(order, *, urgent: bool = False):
    """Places an order."""
    yield f"{order} {urgent}"


KINDS = [a_function, a_coroutine, a_generator, an_async_generator]
every_kind = pytest.mark.parametrize("function", KINDS, ids=lambda function: function.__name__)
every_scope = pytest.mark.parametrize(
    "decorator",
    [
        events.session(),
        events.user_context("a-user-id"),
        events.detached,
        events.override(recording_client(Recording())),
    ],
    ids=["session", "user_context", "detached", "override"],
)


@every_kind
@every_scope
def test_rule_05_introspection_survives(decorator, function):
    decorated = decorator(function)
    assert decorated.__name__ == function.__name__
    assert decorated.__qualname__ == function.__qualname__
    assert decorated.__module__ == function.__module__
    assert decorated.__doc__ == function.__doc__
    assert decorated.__annotations__ == function.__annotations__
    assert decorated.__wrapped__ is function
    assert inspect.signature(decorated) == inspect.signature(function)
    assert inspect.isfunction(decorated)
    assert inspect.getfullargspec(decorated) == inspect.getfullargspec(function)
    assert decorated.__globals__ is function.__globals__


def with_annotations_in_text(n: "int", option: "Annotated[str, 'its help']" = "") -> "None":
    """As in modules that import annotations from __future__."""


@every_scope
def test_rule_05_annotations_in_text_become_objects_where_these_are_asked_for(decorator):
    """Typer finds its options in them."""
    decorated = decorator(with_annotations_in_text)
    assert inspect.signature(decorated, eval_str=True) == inspect.signature(with_annotations_in_text, eval_str=True)


@every_scope
def test_rule_05_annotations_may_name_what_is_missing(decorator):
    def function(n: "Missing"):  # noqa: F821  imported for type checkers only
        """It keeps its signature all the same."""

    assert inspect.signature(decorator(function)) == inspect.signature(function)
    assert inspect.getfullargspec(decorator(function)).args == ["n"]


@every_kind
@every_scope
@pytest.mark.parametrize(
    "asks",
    [
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
        asyncio.iscoroutinefunction,
        callable,
    ],
    ids=lambda asks: f"{asks.__module__}.{asks.__name__}",
)
@pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction':DeprecationWarning")
def test_rule_05_introspection_flags_survive(decorator, function, asks):
    assert asks(decorator(function)) == asks(function)


@events.session()
def decorated_function(n):
    return say(n).job_id


@events.session()
async def decorated_coroutine(n):
    return say(n).job_id


@events.session()
def decorated_generator(n):
    yield say(n)


class Service:
    @events.session()
    def method(self, n):
        return say(n)

    @events.session()
    @classmethod
    def inside(cls, n):
        return cls, say(n)

    @classmethod
    @events.session()
    def outside(cls, n):
        return cls, say(n)

    @events.session()
    @staticmethod
    def static(n):
        return say(n)


class Derived(Service):
    pass


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "decorated", [decorated_function, decorated_coroutine, decorated_generator, Service.static, Service.method]
)
def test_rule_05_decorated_functions_pickle_by_reference(decorated, protocol):
    assert pickle.loads(pickle.dumps(decorated, protocol)).__wrapped__ is decorated.__wrapped__


@pytest.mark.parametrize("method", [Service().method, Derived.inside, Derived.outside], ids=lambda m: m.__name__)
def test_rule_05_bound_methods_pickle(method, client, recording):
    pickle.loads(pickle.dumps(method))(1)
    assert recording.numbers == [1]


@pytest.mark.parametrize("of", [Derived, Derived()], ids=["class", "object"])
@pytest.mark.parametrize("name", ["inside", "outside"])
def test_rule_05_a_class_method_gets_the_class_it_is_called_on(of, name, client):
    cls, _ = getattr(of, name)(1)
    assert cls is Derived


def test_rule_05_what_has_no_name_cannot_be_pickled_and_says_so():
    with pytest.raises(pickle.PicklingError, match="cannot be imported by name"):
        pickle.dumps(events.session()(functools.partial(a_function, 1)))


def test_rule_05_copies_of_a_decorated_function_are_the_function():
    assert copy.copy(decorated_function) is decorated_function
    assert copy.deepcopy({"f": decorated_function})["f"] is decorated_function


def test_rule_05_decorators_stack(client, recording):
    @events.session("job-1")
    @events.user_context("a-user-id")
    async def work():
        say(1)

    asyncio.run(work())
    assert (recording.jobs, recording.actors) == (["job-1"], ["a-user-id"])


def test_rule_05_a_decorated_generator_serves_under_contextmanager(client, recording):
    @contextlib.contextmanager
    @events.session("job-1")
    def working():
        say(1)
        yield events.current_job_id()
        say(2)

    with working() as job_id:
        assert events.current_job_id() is None
    assert (job_id, recording.numbers) == ("job-1", [1, 2])


@over(IN_PROCESS)
def test_rule_06_a_class_is_refused(model, client, recording):
    with pytest.raises(TypeError, match=r"Service is a class; decorate the methods that do the work, or __init__"):
        model(events.session(), lambda: events.session()(Service), recording)


@pytest.mark.parametrize("kind", [property, functools.cached_property])
def test_rule_06_a_property_is_refused(kind, client):
    """Its function would run when the property is looked up, before the scope opens."""
    with pytest.raises(TypeError, match="property cannot be decorated; .* directly above the def"):
        events.session()(kind(lambda _self: say(1)))


@pytest.mark.parametrize("function", KINDS[1:], ids=lambda function: function.__name__)
def test_rule_06_a_callable_that_hides_what_it_returns_is_refused(function, client, recording):
    @events.session()
    def hiding():
        say(1)
        return function("order")

    with pytest.raises(TypeError, match="put this decorator directly above the def, below the decorators that hide it"):
        hiding()
    assert recording.numbers == []


def test_rule_06_the_message_says_what_was_returned(client):
    hiding = events.session()(lambda: an_async_generator(1))
    with pytest.raises(TypeError, match=r"<lambda> returned an async generator"):
        hiding()


def test_rule_04_a_block_has_no_arguments_for_a_callable_job_id(client):
    with pytest.raises(InvalidJobIdError, match="give it the job id itself"), events.session(lambda: "job-1"):
        pass
