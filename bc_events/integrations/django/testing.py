"""For tests with Django's `TestCase`: its own transaction never commits, so what is published in it is never sent."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.test import Client, TestCase

__all__ = ["CommittingClient"]


class CommittingClient(Client):
    """A test client whose requests commit, as far as `on_commit` can tell: `client_class = CommittingClient`.

    What a view rolls back stays rolled back. For code outside requests there is
    `TestCase.captureOnCommitCallbacks(execute=True)`.
    """

    def request(self, **request: Any) -> Any:
        with ExitStack() as stack:
            for alias in _databases_in_a_test():
                stack.enter_context(TestCase.captureOnCommitCallbacks(using=alias, execute=True))
            return super().request(**request)


def _databases_in_a_test() -> list[str]:
    return [one.alias for one in connections.all(initialized_only=True) if one.in_atomic_block]
