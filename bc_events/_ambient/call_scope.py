"""CallScope: the type of a scope whose job id comes from the arguments of each call.

Only pyright and ty read this module. At run time, and for mypy and Pyrefly, such a scope is a `SessionScope`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypedDict, TypeVar, overload

if TYPE_CHECKING:
    from bc_events.client import EventClient

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_R = TypeVar("_R")
_R_co = TypeVar("_R_co", covariant=True)


class ScopeOptions(TypedDict, total=False):
    client: EventClient | None
    durable: bool
    commit_on: tuple[type[BaseException], ...]


class _TakesAnyKeyword(Protocol):
    """`lambda order, **_: …`"""

    def __call__(self, first: Any, /, *, any_keyword: Any) -> str | None: ...


class _MethodTakesAnyKeyword(Protocol):
    """`lambda self, order, **_: …`"""

    def __call__(self, first: Any, second: Any, /, *, any_keyword: Any) -> str | None: ...


_TakesAnyPositional: TypeAlias = Callable[[Any, Any, Any, Any, Any, Any, Any, Any, Any], str | None]
TakesAnything: TypeAlias = _TakesAnyPositional | _TakesAnyKeyword | _MethodTakesAnyKeyword
"""Callables that ignore arguments, as with `*_` or `**_`. They are not compared with the decorated function."""


class _CalledAs(Protocol[_P, _Q, _R_co]):
    """A function with the parameters `_Q`, which can also be called with the parameters `_P`."""

    @overload
    def __call__(self, *args: _Q.args, **kwargs: _Q.kwargs) -> _R_co: ...
    @overload
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...


class CallScope(Protocol[_P]):
    """Decorates functions that take the callable's parameters, `_P`. It opens no `with` block: a block has none."""

    def __call__(self, function: _CalledAs[_P, _Q, _R]) -> Callable[_Q, _R]: ...
