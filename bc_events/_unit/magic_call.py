"""The arguments of a magic call: one mapping."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_DATA: Final[Mapping[str, Any]] = MappingProxyType({})
"""In place of data that a call lacks."""


def not_one_mapping(magic_name: str) -> TypeError:
    """A magic call was given no data, or its properties as keywords."""
    return TypeError(f"{magic_name} takes one mapping with the data of the event: {magic_name}({{…}})")
