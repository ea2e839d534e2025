"""Whether an HTTP status means success."""

from typing import Final

_FIRST_FAILURE: Final = 400


def is_success(status: int) -> bool:
    """Redirects are a success, because the work before them was done."""
    return status < _FIRST_FAILURE
