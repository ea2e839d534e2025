"""Options that a command of `manage.py` has too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .value_type import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.outbox._store.command_option import CommandOption

    Function = Callable[..., None]


def shared_options(options: Sequence[CommandOption]) -> Callable[[Function], Function]:
    """Adds them to a command."""

    def add(function: Function) -> Function:
        for option in reversed(options):
            kind = _kind_of(option)
            function = click.option(
                f"--{option.name}",
                help=option.help,
                metavar=option.metavar,
                default=option.default if kind is not None else False,
                show_default=kind is not None and option.default is not None,
                type=kind,
                is_flag=kind is None,
            )(function)
        return function

    return add


def _kind_of(option: CommandOption) -> click.ParamType[Any] | None:
    if option.values is not None:
        return ValueType(option.values)
    return click.Choice(option.choices) if option.choices else None
