"""Tell a forked child from its parent: objects that were made before a fork must not act in the child."""

import mmap
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

generation: object = object()
"""Replaced in every forked child. Keep a reference at construction and compare with `is`."""


_WIPEONFORK: Final = 18  # MADV_WIPEONFORK, which the module mmap does not name
_resets: list[Callable[[], None]] = []
_process = os.getpid()
_noticing = threading.RLock()
_page: mmap.mmap | None = None
"""Memory that Linux clears in each forked child: one look at it takes a fifth of the time of `os.getpid`."""


def _mark() -> None:
    """Notes in the page that this process has noticed the fork which made it, if any."""
    if _page is not None:
        _page[0] = 1


if sys.platform == "linux":
    with suppress(OSError):  # a kernel, or a sandbox, without this advice
        _cleared = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        _cleared.madvise(_WIPEONFORK)
        _page = _cleared
        _mark()


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
    if (_page is None or not _page[0]) and os.getpid() != _process:
        with _noticing:
            if os.getpid() != _process:
                _start_anew()


def _start_anew() -> None:
    global generation, _process  # noqa: PLW0603  which process this is
    generation = object()
    for reset in _resets:
        reset()
    _process = os.getpid()
    _mark()


def _forked() -> None:
    global _noticing  # noqa: PLW0603  one for each process
    _noticing = threading.RLock()  # a thread that the child does not have may hold the parent's
    _start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
