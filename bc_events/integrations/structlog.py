"""structlog: each event says to which job, session and actor it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._log_fields import ambient_fields

try:
    import structlog  # noqa: F401  nothing here uses it, but the processor is useless without it
except ImportError as _error:
    raise ModuleNotFoundError(
        "bc_events.integrations.structlog needs structlog, which is not installed: pip install structlog",
        name="structlog",
    ) from _error

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

__all__ = ["add_session"]


def add_session(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A processor that adds `bc_job_id`, `bc_session`, `bc_actor_id` and `bc_actor_type` where a session is live.

    Values that the event has already stay.
    """
    for name, value in ambient_fields().items():
        event_dict.setdefault(name, value)
    return event_dict
