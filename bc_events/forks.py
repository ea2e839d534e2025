"""Which process this is: what was made before a fork must not act in the child."""

import os
from collections.abc import Callable

generation: object = object()
"""Replaced in every forked child. Keep a reference at construction and compare with `is`."""


_resets: list[Callable[[], None]] = []
_process = os.getpid()


def after_fork(reset: Callable[[], None]) -> None:
    """Calls `reset` in each forked child before its own code runs; nothing happens where nothing forks."""
    _resets.append(reset)


def around_fork(before: Callable[[], None], parent: Callable[[], None], child: Callable[[], None]) -> None:
    """Calls `before` in a process that is about to fork, then `parent` in it and `child` in the other."""
    after_fork(child)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=parent)


def notice() -> None:
    """Catches up on a fork that nobody told Python of: uWSGI forks like this unless py-call-osafterfork is set."""
    if os.getpid() != _process:
        _start_anew()


def _start_anew() -> None:
    global generation, _process
    generation, _process = object(), os.getpid()
    for reset in _resets:
        reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
