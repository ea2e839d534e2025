"""The transactions that Django's TestCase opens around each test, and rolls back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def is_a_test_s(connection: BaseDatabaseWrapper) -> bool:
    """Whether a TestCase has opened its transaction, and will roll it back."""
    return any(_is_of_a_test(block) for block in connection.atomic_blocks)


def is_a_test_s_alone(connection: BaseDatabaseWrapper) -> bool:
    """Whether a TestCase has opened the transaction, and the application has opened none within it."""
    return all(_is_of_a_test(block) for block in connection.atomic_blocks)


def savepoints_of_tests(connection: BaseDatabaseWrapper) -> set[str]:
    """The names of the open savepoints that a TestCase has set: one for each test, in the transaction of its class.

    The outermost block has no savepoint. So the two lists are matched from their ends.
    """
    blocks = zip(reversed(connection.atomic_blocks), reversed(connection.savepoint_ids), strict=False)
    return {name for block, name in blocks if name is not None and _is_of_a_test(block)}


def _is_of_a_test(block: object) -> bool:
    return getattr(block, "_from_testcase", False)
