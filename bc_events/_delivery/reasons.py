"""Why a request did not arrive, in words that tell the reader where to look."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL, ProxyError, Timeout
from urllib3.exceptions import NameResolutionError, TimeoutError as PoolTimeoutError

from bc_events.errors import printable

from .attempt import ResponseTooLong
from .response import UnreadableResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

_CANNOT_BE_MADE: Final = (InvalidHeader, InvalidSchema, InvalidURL)
_DEEPEST: Final = 12
_KINDS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((ProxyError,), "the proxy failed; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"),
    ((NameResolutionError, socket.gaierror), "DNS failure: the host name cannot be resolved"),
    ((ssl.SSLCertVerificationError,), "TLS failure: the certificate is not trusted"),
    ((ssl.SSLError,), "TLS failure"),
    ((ConnectionRefusedError,), "connection refused: nothing listens at this address"),
    ((ResponseTooLong,), "the response is longer than the contract allows"),
    ((UnreadableResponse,), "the response cannot be read"),
    ((Timeout, PoolTimeoutError, TimeoutError), "timeout"),
    ((ConnectionError, HTTPException), "the connection was lost"),
)
"""The first that fits counts: a proxy or a name that fails also looks like a connection that was lost."""


def is_impossible(error: Exception) -> bool:
    """Whether no such request can be made, now or later."""
    return isinstance(error, _CANNOT_BE_MADE)


def of_impossible(error: Exception) -> str:
    return f"the request could not be made ({type(error).__name__})"


def of_failure(error: Exception, address: str) -> str:
    """The kind of failure, and its detail. `address` is the method and the URL."""
    return f"no answer from {address}: {_kind(error)}"


def _kind(error: Exception) -> str:
    causes = list(_causes(error))
    for classes, words in _KINDS:
        found = next((one for one in causes if isinstance(one, classes)), None)
        if found is not None:
            return f"{words}{_detail(found)}"
    return "the attempt failed"


def _detail(error: BaseException) -> str:
    """Only of errors whose text has nothing of a request or response in it."""
    if isinstance(error, ssl.SSLError):
        text = getattr(error, "verify_message", None) or error.reason
    elif isinstance(error, UnreadableResponse):
        text = str(error)
    else:
        return ""
    return f" ({printable(str(text))})" if text else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those it was made from: `requests` and urllib3 keep them as causes, arguments and `reason`."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(seen) < _DEEPEST:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
