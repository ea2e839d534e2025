"""The calls of a library that a probe uses, whatever the library calls its scopes: spans, contexts or transactions."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


class LeaksError(AssertionError):
    """A scope is current where it must not be."""


class MissingError(Exception):
    """The library has no such feature and claims none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A library, set up and ready. `work` does something whose outcome `has_failed` can tell after the scope.

    `on_loop` is what its documents have a service call once in a running event loop.
    """

    decorator: Callable[[Any], Any]
    block: Callable[[], AbstractContextManager[Any]]
    current: Callable[[], object]
    work: Callable[[], Any]
    has_failed: Callable[[Any], bool] | None = None
    is_async: bool = True
    on_loop: Callable[[], Any] = lambda: None
