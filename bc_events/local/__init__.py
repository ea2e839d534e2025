"""A local Events API: the contract in full, on 127.0.0.1, with faults on request. Needs the extra `local`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .faults import Fault
    from .job_line import JobLine, LineEvent, LineRequest, LineSession
    from .received_event import ReceivedEvent
    from .received_request import ReceivedRequest
    from .server import LocalEventsAPI
    from .unsent import Unsent

_HOMES = {
    "Fault": "faults",
    "JobLine": "job_line",
    "LineEvent": "job_line",
    "LineRequest": "job_line",
    "LineSession": "job_line",
    "LocalEventsAPI": "server",
    "ReceivedEvent": "received_event",
    "ReceivedRequest": "received_request",
    "Unsent": "unsent",
}
__all__ = [
    "Fault",
    "JobLine",
    "LineEvent",
    "LineRequest",
    "LineSession",
    "LocalEventsAPI",
    "ReceivedEvent",
    "ReceivedRequest",
    "Unsent",
]


if not TYPE_CHECKING:  # type checkers then find misspelt names

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in {"starlette", "uvicorn", "anyio", "h11", "lark"}:
                raise
            raise ModuleNotFoundError(
                f'the local Events API needs {missing}, which is not installed; run pip install "bc_events[local]"',
                name=missing,
            ) from error
        return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
