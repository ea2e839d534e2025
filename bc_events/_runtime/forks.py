"""Which process this is: what was made before a fork must not act in the child."""

import os
import threading
from collections.abc import Callable

generation: object = object()
"""Replaced in every forked child. Keep a reference at construction and compare with `is`."""


_resets: list[Callable[[], None]] = []
_process = os.getpid()
_noticing = threading.RLock()


def after_fork(reset: Callable[[], None]) -> None:
    """Calls `reset` in each forked child before its own code runs; nothing happens where nothing forks."""
    _resets.append(reset)


def around_fork(before: Callable[[], None], parent: Callable[[], None], child: Callable[[], None]) -> None:
    """Calls `before` in a process that is about to fork, then `parent` in it and `child` in the other."""
    after_fork(child)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=parent)


def notice() -> None:
    """Catches up on a fork that nobody told Python of, as uWSGI does.

    The first thread to notice does it, and others wait: they must not use what is about to be replaced.
    """
    if os.getpid() != _process:
        with _noticing:
            if os.getpid() != _process:
                _start_anew()


def _start_anew() -> None:
    global generation, _process  # noqa: PLW0603  which process this is
    generation = object()
    for reset in _resets:
        reset()
    _process = os.getpid()


def _forked() -> None:
    global _noticing  # noqa: PLW0603  one for each process
    _noticing = threading.RLock()  # a thread that the child does not have may hold the parent's
    _start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
