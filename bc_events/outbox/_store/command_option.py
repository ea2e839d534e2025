"""CommandOption: an option of a command that has two parsers, that of `bc-events` and that of `manage.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class OptionValues(Protocol):
    """The values that an option takes."""

    def read(self, text: str) -> Any:
        """The value of a text. Raises `ConfigurationError`, whose message says what is accepted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOption:
    """It takes one of its `values` or `choices`. One with neither is a flag."""

    name: str
    help: str
    metavar: str | None = None
    default: int | str | None = None
    values: OptionValues | None = None
    choices: Sequence[str] = ()

    @property
    def is_flag(self) -> bool:
        return self.values is None and not self.choices
