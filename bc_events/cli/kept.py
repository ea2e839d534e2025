"""Kept: an option that says how many events to keep, or for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import click

from bc_events.errors import ConfigurationError
from bc_events.local.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    _KeptType = click.ParamType[str]
else:
    _KeptType = click.ParamType  # older releases take no type arguments


class KeptLimits(TypedDict):
    """The arguments of `LocalEventsAPI`."""

    keep: int | None
    keep_for: timedelta | None


class Kept(_KeptType):
    """A number of events, or an age such as 7d."""

    name = "kept"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            Retention.read([str(value)])
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)
        return str(value)


def retention(texts: Iterable[str]) -> KeptLimits:
    """Of checked texts. Raises `click.BadParameter` if one says the same thing as another."""
    try:
        found = Retention.read(texts)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--keep") from error
    return {"keep": found.count, "keep_for": found.age}
