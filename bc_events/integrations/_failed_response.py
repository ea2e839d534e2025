"""FailedResponseError: an application answered with a status of failure."""

from __future__ import annotations

from bc_events.errors import FailedWorkError


class FailedResponseError(FailedWorkError):
    """It ends the session as an exception would. It is never raised."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        super().__init__(
            f"the application answered with status {status}" if status else "the application did not answer"
        )
