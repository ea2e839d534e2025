"""Refusals of the local Events API: the error types that are final. Two other types allow a retry."""

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
    """A request or a record is refused for good. `error_type` is that of the answer."""

    def __init__(self, error_type: str, reason: str) -> None:
        self.error_type = error_type
        self.reason = reason
        super().__init__(f"{error_type}: {reason}")
