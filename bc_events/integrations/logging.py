"""Standard logging: each record says to which job, session and actor it belongs."""

from __future__ import annotations

import logging
from typing import Final

from ._log_fields import ambient_fields

__all__ = ["EventsFilter"]

_NAMES: Final = ("bc_job_id", "bc_session", "bc_actor_id", "bc_actor_type")


class EventsFilter(logging.Filter):
    """Adds `bc_job_id`, `bc_session`, `bc_actor_id` and `bc_actor_type`, None where no session is live, to records.

    Add it to handlers: a logger's filters do not see the records of the loggers below it. A record that says otherwise
    in its `extra` keeps that.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        fields = ambient_fields()
        for name in _NAMES:
            record.__dict__.setdefault(name, fields.get(name))
        return bool(super().filter(record))
