"""The arguments of a magic call: one mapping with the data of the event."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_DATA: Final[Mapping[str, Any]] = MappingProxyType({})
"""The default of the argument: a call without data has this object as its data."""


def not_one_mapping(magic_name: str) -> TypeError:
    """The error for a magic call without data, or with keyword arguments in place of the mapping."""
    return TypeError(f"{magic_name} takes one mapping with the data of the event: {magic_name}({{…}})")
