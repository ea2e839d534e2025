"""Which process this is: what was made before a fork must not act in the child."""

import os
from collections.abc import Callable

generation: object = object()
"""Replaced in every forked child. Keep a reference at construction and compare with `is`."""


def _renew() -> None:
    global generation  # noqa: PLW0603  one value per process is what this file is for
    generation = object()


def after_fork(reset: Callable[[], None]) -> None:
    """Calls `reset` in each forked child before its own code runs; nothing happens where nothing forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset)


def around_fork(before: Callable[[], None], parent: Callable[[], None], child: Callable[[], None]) -> None:
    """Calls `before` in a process that is about to fork, then `parent` in it and `child` in the other."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=parent, after_in_child=child)


after_fork(_renew)
