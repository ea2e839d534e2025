"""NumberType: an option that takes a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from bc_events._runtime.numbers import WholeNumbers
from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from bc_events._runtime.numbers import NumberRange

    _NumberType = click.ParamType[float]
else:
    _NumberType = click.ParamType  # older releases take no type arguments


class NumberType(_NumberType):
    """Any other number is a mistake in the command line."""

    name = "number"

    def __init__(self, numbers: NumberRange) -> None:
        self._numbers = numbers

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return self._numbers.read(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


PORT: Final = NumberType(WholeNumbers(0, 65535))
