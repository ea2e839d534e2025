"""Classes such as str and list whose instances hold a value. A dataclass that derives from one has fields as well."""

from __future__ import annotations

import dataclasses
from collections import UserList, UserString, deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from .scalars import FORMS

_HOLDERS: Final[tuple[type, ...]] = (
    *(*FORMS, list, tuple, dict, Mapping, set, frozenset, deque),
    *(bytes, bytearray, complex, timedelta, UserList, UserString),
)


def holder_of(kind: type) -> type | None:
    """The first of these classes from which a class derives; None where it derives from none."""
    return next((holder for holder in _HOLDERS if issubclass(kind, holder)), None)


def has_fields(kind: type) -> bool:
    """Whether a class is a dataclass or an attrs class that declares fields."""
    declared = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else getattr(kind, "__attrs_attrs__", ())
    return len(declared) > 0
