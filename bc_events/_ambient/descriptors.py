"""Decorated objects that are not plain functions: partials, callable objects, and descriptors that make methods."""

from __future__ import annotations

import copy
import types
from operator import attrgetter
from pickle import PicklingError
from typing import TYPE_CHECKING, Any, Self

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable


class _NeverPickled:
    """Pickling it raises PicklingError."""

    def __init__(self, decorated: str) -> None:
        self._decorated = decorated

    def __reduce__(self) -> str:
        raise PicklingError(
            f"{self._decorated} cannot be serialised by value, because that would lose its scope; import it from a "
            "module, or open the session in its body"
        )


class _Decorated(wrapt.BaseObjectProxy[Any]):
    """A proxy with the attributes of the wrapped object. It equals only itself."""

    def __init__(self, wrapped: Any, run: Callable[..., Any]) -> None:
        super().__init__(wrapped)
        self._self_run = run

    # A property, because Starlette inspects `__call__` to find out which kind of function runs.
    __call__ = property(attrgetter("_self_run"))

    @property
    def __closure__(self) -> Any:
        """For cloudpickle, which pickles its contents: it would serialise the function without its scope.

        It raises only then, because `inspect` and `unittest.mock` look at all attributes.
        """
        _ = self.__wrapped__.__closure__
        return (types.CellType(_NeverPickled(repr(self))),)

    def __repr__(self) -> str:
        return f"<decorated {self.__wrapped__!r}>"

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return self.__reduce__()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return object.__hash__(self)


class DecoratedObject(_Decorated):
    """An object that is not a plain function, decorated with a scope."""

    def __init__(self, wrapped: Any, run_of: Callable[[Any], Callable[..., Any]]) -> None:
        """`run_of(function)` returns the function that runs `function` in the scope."""
        super().__init__(wrapped, run_of(wrapped))
        self._self_run_of = run_of
        self._self_function = wrapped  # `functools.update_wrapper` may set another `__wrapped__`

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        function = self._self_function
        binds = getattr(function, "__get__", None)
        if binds is None:
            return self
        bound = binds(instance, owner)
        if bound is function:
            return self
        if type(bound) is types.MethodType and bound.__func__ is function:
            run: Any = self
            return types.MethodType(run, bound.__self__)
        return DecoratedMethod(self, instance, owner)

    def __set_name__(self, owner: type, name: str) -> None:
        set_name = getattr(self._self_function, "__set_name__", None)
        if set_name is not None:
            set_name(owner, name)

    def __reduce__(self) -> str:
        """Pickled by reference, as functions are."""
        return _name(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> DecoratedObject:
        function = copy.deepcopy(self._self_function, memo)
        return self if function is self._self_function else DecoratedObject(function, self._self_run_of)


class DecoratedMethod(_Decorated):
    """A decorated method that is not a plain one, such as a partialmethod, bound to its object or class."""

    def __init__(self, function: DecoratedObject, instance: Any, owner: type | None = None) -> None:
        bound = function._self_function.__get__(instance, owner)
        if not callable(bound):
            raise TypeError(
                f"an object of type {type(function._self_function).__name__} makes no methods, so it cannot be "
                "decorated; put the decorator directly above the def"
            )
        super().__init__(bound, function._self_run_of(bound))
        self._self_made_of = (function, instance, owner)

    @property
    def __func__(self) -> DecoratedObject:
        """The decorated function. `weakref.WeakMethod` keeps it, and makes the method from it again."""
        function, instance, _ = self._self_made_of
        if instance is None or not hasattr(self.__wrapped__, "__func__"):
            raise AttributeError("__func__")
        return function

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        function, bound_to, _ = self._self_made_of
        return self if bound_to is not None else function.__get__(instance, owner)

    def __reduce__(self) -> tuple[Any, ...]:
        _, instance, owner = self._self_made_of
        name = _name(self).rpartition(".")[2]
        return getattr, (owner if instance is None else instance, name)

    def __copy__(self) -> Self:
        return type(self)(*self._self_made_of)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        function, instance, owner = self._self_made_of
        return type(self)(function, copy.deepcopy(instance, memo), owner)

    def __eq__(self, other: object) -> bool:
        return type(other) is DecoratedMethod and self._self_key == other._self_key

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._self_key)

    @property
    def _self_key(self) -> tuple[int, ...]:
        """Two methods are equal if they have the same function and the same object."""
        function, instance, owner = self._self_made_of
        return id(function), id(instance), id(owner) if instance is None else 0


def _name(decorated: Any) -> str:
    """The qualified name in its module. Raises PicklingError where it has none."""
    name = getattr(decorated, "__qualname__", None)
    if not isinstance(name, str) or "<" in name:
        raise PicklingError(
            f"a decorated {type(decorated.__wrapped__).__name__} cannot be imported by name, so it "
            "cannot be pickled; decorate a def of a module instead"
        )
    return name
