"""Tell a forked child from its parent: objects that were made before a fork must not act in the child."""

import os
import threading
from collections.abc import Callable

generation: object = object()
"""Replaced in every forked child. Keep a reference at construction and compare with `is`."""


_resets: list[Callable[[], None]] = []
_process = os.getpid()
_noticing = threading.RLock()


def after_fork(reset: Callable[[], None]) -> None:
    """Calls `reset` in each forked child, before other code of the library runs there."""
    _resets.append(reset)


def around_fork(before: Callable[[], None], parent: Callable[[], None], child: Callable[[], None]) -> None:
    """Calls `before` in a process that is about to fork, then `parent` in it and `child` in the other."""
    after_fork(child)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=parent)


def notice() -> None:
    """Finds out about a fork that bypassed Python's hooks, as those of uWSGI do, and calls the resets.

    The first thread does it, and the others wait, because they must not use objects that are about to be replaced.
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
