"""Options of `manage.py` that `bc-events` has too."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Sequence

    from bc_events.outbox._store.command_option import CommandOption, OptionValues


def add_options(parser: ArgumentParser, options: Sequence[CommandOption]) -> None:
    for option in options:
        if option.is_flag:
            parser.add_argument(f"--{option.name}", help=option.help, action="store_true")
            continue
        parser.add_argument(
            f"--{option.name}",
            help=option.help if option.default is None else f"{option.help} [default: {option.default}]",
            default=option.default,
            metavar=option.metavar,
            choices=option.choices or None,
            type=str if option.values is None else _type_of(option.values),
        )


def _type_of(values: OptionValues) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return values.read(text)
        except ConfigurationError as error:
            raise ArgumentTypeError(str(error)) from error

    return read
