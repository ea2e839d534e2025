"""The library's log. A handler or filter is other people's code: it never decides what becomes of an event."""

from __future__ import annotations

import logging
from typing import Any, Final

from .constants import LOGGER_NAME
from .outside import isolated

_logger: Final = logging.getLogger(LOGGER_NAME)


def write(
    level: int, message: str, *arguments: object, exc_info: bool | BaseException | None = None, **extra: Any
) -> None:
    """Logs a record: a template and its arguments, with `extra` as its attributes. What a handler raises is dropped."""
    isolated(bool, _logger.log, level, message, *arguments, exc_info=exc_info, extra=extra, stacklevel=3)
