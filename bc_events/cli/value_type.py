"""ValueType: an option whose values are checked by the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from bc_events.outbox._store.command_option import OptionValues

    _ValueType = click.ParamType[Any]
else:
    _ValueType = click.ParamType  # older releases take no type arguments


class ValueType(_ValueType):
    """Any other value is a mistake in the command line."""

    name = "value"

    def __init__(self, values: OptionValues) -> None:
        self._values = values

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._values.read(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)
