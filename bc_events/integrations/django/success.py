"""Which responses say that a request has failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

Success = Callable[["HttpResponseBase"], bool]


def is_success(response: HttpResponseBase) -> bool:
    """A view that returns has succeeded, by default. REST framework marks the responses that it makes of exceptions."""
    return getattr(response, "exception", False) is not True
