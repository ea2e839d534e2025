"""The library's logger. Handlers and filters are foreign code: their exceptions must not affect events."""

from __future__ import annotations

import logging
from typing import Any, Final

from bc_events.constants import LOGGER_NAME

from .interrupts import isolated


class _Isolated(logging.LoggerAdapter[logging.Logger]):
    """The library's logger. It ignores exceptions of handlers and filters."""

    def log(self, level: int, msg: object, *args: object, stacklevel: int = 1, **options: Any) -> None:
        isolated(bool, self.logger.log, level, msg, *args, stacklevel=stacklevel + 2, **options)


logger: Final = _Isolated(logging.getLogger(LOGGER_NAME))


def write(
    level: int, message: str, *arguments: object, exc_info: bool | BaseException | None = None, **extra: Any
) -> None:
    """Logs a record: a template and its arguments, with `extra` as its attributes."""
    logger.log(level, message, *arguments, exc_info=exc_info, extra=extra, stacklevel=2)
