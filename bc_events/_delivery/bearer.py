"""A bearer token, asked for when the first request needs it and again when the API refuses it."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final

from bc_events._runtime import forks
from bc_events.errors import kind_of

from .attempt import current

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

_PROGRAMMING_ERRORS: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)
_HEADER_TEXT: Final = re.compile(r"[\x21-\x7e]+").fullmatch


class TokenError(Exception):
    """There is no token to send, because its source failed. The message never has what the source returned.

    `is_final` is true if the source itself is wrong, so that asking again is useless.
    """

    def __init__(self, message: str, *, is_final: bool) -> None:
        super().__init__(message)
        self.is_final = is_final


class BearerToken:
    """Authorises requests with what `source` returns. Threads share it; each token is asked for once."""

    def __init__(self, source: Callable[[], str]) -> None:
        self._source = source
        self._token: str | None = None
        self._renew_lock()

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()
        self._is_asking = False
        self._born = forks.generation

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {self._current()}"
        return prepared

    def reject(self, refused: requests.PreparedRequest) -> None:
        """Notes that the API refused this request's token.

        The next request asks for a new token, unless there is one.
        """
        if self._token is not None and refused.headers.get("Authorization") == f"Bearer {self._token}":
            self._token = None

    def _current(self) -> str:
        if self._born is not forks.generation:
            self._renew_lock()
        attempt = current()
        if not self._lock.acquire(timeout=-1 if attempt is None else attempt.left()):
            raise TokenError(
                "the auth callable, which another thread has called, has not returned in time", is_final=False
            )
        try:
            if self._token is None:
                self._token = self._asked()
            return self._token
        finally:
            self._lock.release()

    def _asked(self) -> str:
        if self._is_asking:  # this thread is asking already, and may hold locks that the source needs
            message = (
                "the auth callable is still at work on this thread; neither it nor a signal handler can send meanwhile"
            )
            raise TokenError(message, is_final=True)
        self._is_asking = True
        try:
            return self._fetched()
        finally:
            self._is_asking = False

    def _fetched(self) -> str:
        try:
            token = self._source()
        except Exception as error:
            message = f"the auth callable raised {type(error).__name__}, so there is no token"
            raise TokenError(message, is_final=_is_final(error)) from error
        if isinstance(token, str) and token.lower().startswith("bearer "):
            message = 'the auth callable returned text that begins with "Bearer "; return the token alone'
            raise TokenError(message, is_final=True)
        if not isinstance(token, str) or not _HEADER_TEXT(token):
            message = f"the auth callable returned {_shape(token)} where a bearer token is needed"
            raise TokenError(message, is_final=True)
        return token


def _is_final(error: Exception) -> bool:
    """Whether the source itself is wrong. A source that sends events is wrong too, because sending needs a token."""
    cause = error.__cause__
    return isinstance(error, _PROGRAMMING_ERRORS) or (isinstance(cause, TokenError) and cause.is_final)


def _shape(value: object) -> str:
    if not isinstance(value, str):
        return kind_of(value)
    return "text that cannot stand in a header" if value else "an empty string"
