"""Rule 5: a decorated function is a distinct object, which others may compare, copy, serialise, hold and wrap."""

import copy
import functools
import gc
import inspect
import pickle
import weakref
from abc import ABC, abstractmethod
from types import MethodType
from unittest.mock import create_autospec

import cloudpickle
import pytest
import wrapt
from blinker import Signal
from django.dispatch import Signal as DjangoSignal
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from bc_events import events

from .recording import Recording, recording_client, say

decorate = events.user_context("user-00017", "job-1")
elsewhere = events.user_context("user-00018", "job-1")


@wrapt.decorator
def transparent(wrapped, _instance, args, kwargs):
    """A decorator of another library, whose functions are proxies."""
    return wrapped(*args, **kwargs)


class Audit:
    @decorate
    def plain(self, n=1, **_signal):
        say(n)

    @decorate
    @transparent
    def proxied(self, n=1, **_signal):
        say(n)

    @decorate
    @functools.lru_cache  # noqa: B019  the object lives as long as its test
    def cached(self, n=1, **_signal):
        say(n)

    @functools.lru_cache  # noqa: B019
    @decorate
    def under_cache(self, n=1):
        say(n)

    @functools.singledispatchmethod
    @decorate
    def dispatched(self, n=1):
        say(n)

    @decorate
    @functools.singledispatchmethod
    def dispatching(self, n=1):
        say(n)

    def _say(self, n=1):
        say(n)

    partial = decorate(functools.partialmethod(_say))

    @decorate
    @classmethod
    def of_class(cls, n=1):
        say(n)

    @decorate
    @staticmethod
    def static(n=1):
        say(n)


BOUND = ["plain", "proxied", "cached"]
METHODS = [*BOUND, "dispatching", "partial", "of_class", "static"]


def in_scope(recording):
    return list(zip(recording.numbers, recording.jobs, recording.actors, strict=True)) == [(1, "job-1", "user-00017")]


@pytest.mark.parametrize("function", [say, functools.partial(say), transparent(say)], ids=["def", "partial", "proxy"])
def test_rule_05_two_scopes_around_one_function_are_two_objects(function):
    first, second = decorate(function), elsewhere(function)
    assert first == first
    assert first != second
    assert first != function
    assert len({first, second, function}) == 3


def test_rule_05_two_scopes_around_one_function_share_no_attributes():
    first, second = decorate(say), elsewhere(say)
    first.short_description = "says it"
    first.__doc__ = "Another one."
    assert not hasattr(second, "short_description")
    assert say.__doc__ == second.__doc__ != first.__doc__


def test_rule_05_a_route_runs_each_of_its_decorated_dependencies(client, recording):
    """FastAPI keeps one result for dependencies that are equal (fastapi/fastapi#3567)."""
    app = FastAPI()

    async def audit():
        say(1)

    first, second = Depends(decorate(audit)), Depends(elsewhere(audit))

    @app.get("/")
    async def route(_first=first, _second=second):
        return None

    with TestClient(app) as requests:
        requests.get("/")
    assert sorted(recording.actors) == ["user-00017", "user-00018"]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", METHODS)
def test_rule_05_a_copied_method_keeps_its_scope(name, copied, client, recording):
    copied({"saved": copied(getattr(Audit(), name))})["saved"](1)
    assert in_scope(recording)


def test_rule_05_a_deep_copy_of_a_decorated_method_belongs_to_the_copied_object():
    audit = Audit()
    for method in (audit.plain, audit.proxied, decorate(audit._say)):
        copied = copy.deepcopy(method)
        assert type(copied.__self__) is Audit
        assert copied.__self__ is not audit


@pytest.mark.parametrize("name", [*BOUND, "of_class", "static"])
def test_rule_05_a_method_is_pickled_with_its_scope(name, client, recording):
    pickle.loads(pickle.dumps(getattr(Audit(), name)))(1)
    assert in_scope(recording)


@pytest.mark.parametrize("name", ["plain", "proxied", "partial"])
def test_rule_05_a_method_equals_itself_each_time_it_is_looked_up(name):
    audit = Audit()
    assert getattr(audit, name) == getattr(audit, name)
    assert hash(getattr(audit, name)) == hash(getattr(audit, name))
    assert getattr(audit, name) != getattr(Audit(), name)


@pytest.mark.parametrize("name", BOUND)
def test_rule_05_a_weak_reference_holds_a_decorated_method(name, client, recording):
    """It takes a method apart into `__func__` and `__self__`, and makes it anew of its type (wrapt#154)."""
    audit = Audit()
    reference = weakref.WeakMethod(getattr(audit, name))
    reference()(1)
    assert in_scope(recording)
    del audit
    gc.collect()
    assert (reference() is None) == (name != "cached")  # the cache holds the object it was called on


@pytest.mark.parametrize("signal", [DjangoSignal, Signal], ids=["django", "blinker"])
@pytest.mark.parametrize("name", BOUND)
def test_rule_05_a_decorated_method_is_a_weak_receiver_of_signals(name, signal, client, recording):
    audit, saved = Audit(), signal()
    for _ in range(2):
        saved.connect(getattr(audit, name))
    saved.send(1) if signal is Signal else saved.send(sender=Audit, n=1)
    assert in_scope(recording)


@pytest.mark.parametrize("name", BOUND)
def test_rule_05_a_method_can_be_made_of_its_function_and_another_object(name, client, recording):
    method, other = getattr(Audit(), name), Audit()
    made = type(method)(method.__func__, other)
    made(1)
    assert made == getattr(other, name)
    assert in_scope(recording)


@pytest.mark.parametrize("name", ["under_cache", "dispatched"])
def test_rule_05_other_decorators_stand_above(name, client, recording):
    getattr(Audit(), name)(1)
    assert in_scope(recording)


@pytest.mark.parametrize("made", [decorate, lambda inner: decorate(functools.partial(inner))], ids=["def", "partial"])
def test_rule_05_functools_wraps_above_changes_what_is_said_and_not_what_is_called(made, client, recording):
    """A proxy calls its `__wrapped__`, which `functools.wraps` replaces, so it would never call its own function."""

    def original(n, *, urgent=False):
        raise AssertionError

    @functools.wraps(original)
    @made
    def inner(*args):
        say(*args)

    inner(1)
    assert inspect.signature(inner) == inspect.signature(original)
    assert in_scope(recording)


def local_function(scope):
    @scope
    def work():
        say(1)

    return work


def test_rule_05_a_function_serialised_by_value_keeps_its_scope(client, recording):
    """As joblib, Dask, Ray and Spark send functions that cannot be imported."""
    pickle.loads(cloudpickle.dumps(local_function(decorate)))()
    assert in_scope(recording)


@pytest.mark.parametrize("wrapped", [functools.partial(say, 1), transparent(lambda: say(1))], ids=["partial", "proxy"])
def test_rule_05_what_cannot_keep_its_scope_is_not_serialised_by_value(wrapped):
    with pytest.raises(pickle.PicklingError):
        cloudpickle.dumps(decorate(wrapped))


def test_rule_05_a_partialmethod_of_a_class_is_not_serialised_by_value():
    class Local:
        def _say(self, n):
            say(n)

        work = decorate(functools.partialmethod(_say, 1))

    with pytest.raises(pickle.PicklingError):
        cloudpickle.dumps(Local.work)


def test_rule_05_a_proxied_method_of_a_class_is_not_serialised_by_value():
    """cloudpickle would take the function inside, without its scope and without an error."""

    class Local:
        @decorate
        @transparent
        def work(self):
            say(1)

    with pytest.raises(pickle.PicklingError):
        cloudpickle.dumps(Local().work)


def test_rule_05_a_function_bound_to_a_session_is_not_serialised(client):
    with events.session(), pytest.raises(TypeError):
        cloudpickle.dumps(events.propagate(lambda: say(1)))


@pytest.mark.parametrize("name", ["cached", "partial", "proxied"])
@pytest.mark.parametrize("owner", [Audit, Audit()], ids=["class", "object"])
def test_rule_05_all_attributes_can_be_looked_at(owner, name):
    """As mocks, debuggers and doctest do. One attribute raised the error that is meant for cloudpickle."""
    method = getattr(owner, name)
    assert dict(inspect.getmembers(method))
    assert hasattr(method, "__closure__") == hasattr(method.__wrapped__, "__closure__")


def test_rule_05_a_class_with_a_decorated_partialmethod_can_be_mocked():
    mocked = create_autospec(Audit)
    mocked.partial(1)
    mocked.partial.assert_called_once_with(1)


@pytest.mark.filterwarnings("ignore:functools.partial will be a method descriptor:FutureWarning")
def test_rule_05_a_callable_object_is_no_method_of_the_class_that_holds_it(client, recording):
    class Held:
        work = decorate(functools.partial(say))

    Held().work(1)
    assert in_scope(recording)


def test_rule_05_a_decorated_method_is_a_plain_bound_method():
    audit = Audit()
    assert type(audit.plain) is MethodType
    assert (audit.plain.__func__, audit.plain.__self__) == (Audit.plain, audit)


def test_rule_05_an_abstract_method_stays_abstract():
    class Base(ABC):  # noqa: B024  ruff does not see through the decorators
        above = abstractmethod(decorate(lambda self: None))
        below = decorate(abstractmethod(lambda self: None))
        of_class = decorate(classmethod(abstractmethod(lambda cls: None)))
        partial = decorate(functools.partialmethod(abstractmethod(lambda self: None)))

    assert Base.__abstractmethods__ == {"above", "below", "of_class", "partial"}


def test_rule_05_settings_with_a_client_travel_only_where_the_client_can():
    with recording_client(Recording()) as client, pytest.raises((TypeError, pickle.PicklingError)):
        cloudpickle.dumps(local_function(events.session(client=client)))
