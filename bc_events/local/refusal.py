"""Why the local Events API refuses: the error types it uses besides the two that ask for a repeat."""

from __future__ import annotations

from typing import Final

VALIDATION: Final = "ValidationException"
INVALID_JOB_ID: Final = "InvalidJobIdException"
UNKNOWN_TOPIC: Final = "UnknownTopicException"
SCHEMA_VIOLATION: Final = "SchemaViolationException"
TOO_LARGE: Final = "RequestEntityTooLargeException"
UNKNOWN_PATH: Final = "UnknownPathException"
SLOW_BODY: Final = "RequestTimeoutException"


class RefusedError(Exception):
    """A request, or a record, that will never be taken. `error_type` is what the answer carries."""

    def __init__(self, error_type: str, reason: str) -> None:
        self.error_type = error_type
        self.reason = reason
        super().__init__(f"{error_type}: {reason}")
