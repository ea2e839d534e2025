"""NumberType: an option that takes a number."""

from __future__ import annotations

from typing import Final

from bc_events._runtime.numbers import WholeNumbers

from .value_type import ValueType


class NumberType(ValueType):
    """Any other number is a mistake in the command line."""

    name = "number"


PORT: Final = NumberType(WholeNumbers(0, 65535))
