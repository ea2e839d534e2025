"""Why a request did not arrive, in words that tell the reader where to look."""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, HTTPException, RemoteDisconnected, UnknownProtocol
from typing import TYPE_CHECKING, Final

from requests.exceptions import InvalidHeader, InvalidProxyURL, InvalidSchema, InvalidURL, ProxyError, Timeout
from urllib3.exceptions import (
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    TimeoutError as PoolTimeoutError,
)

from bc_events.errors import printable

from .attempt import ResponseTooLong
from .response import UnreadableResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

_CANNOT_BE_MADE: Final = (InvalidHeader, InvalidSchema, InvalidURL)
_DEEPEST: Final = 12
_NO_CA_BUNDLE: Final = (
    "Could not find a suitable TLS CA certificate bundle",
    "Could not find the TLS certificate file",
)
_CHECK_CA_BUNDLE: Final = "check REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, and verify and cert of the requests.Session"
_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})
_KINDS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((ProxyError,), "the proxy failed; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"),
    ((LocationParseError, UnicodeError), "the host name is not one that can be looked up"),
    ((NameResolutionError, socket.gaierror), "DNS failure: the host name cannot be resolved"),
    ((ssl.SSLCertVerificationError,), "TLS failure: the certificate is not trusted"),
    ((ssl.SSLError,), "TLS failure"),
    ((ConnectionRefusedError,), "connection refused: nothing listens at this address"),
    ((NewConnectionError,), "no connection could be made"),  # to urllib3 it is a timeout, too
    ((ResponseTooLong,), "the response is longer than the contract allows"),
    ((UnreadableResponse,), "the response cannot be read"),
    ((Timeout, PoolTimeoutError, TimeoutError), "timeout"),
    ((RemoteDisconnected,), "the connection was lost"),
    ((BadStatusLine, UnknownProtocol), "the response is not HTTP, as where another kind of server listens"),
    ((ConnectionError, HTTPException), "the connection was lost"),
)
"""The first kind that fits counts, because a failed proxy or look-up is also a kind of lost connection."""


def is_impossible(error: Exception) -> bool:
    """Whether no such request can be made, now or later."""
    return isinstance(error, _CANNOT_BE_MADE)


def of_impossible(error: Exception) -> str:
    """The text of such an error may have credentials in it, which this leaves out."""
    if isinstance(error, InvalidSchema) and "SOCKS" in str(error):
        return 'the proxy speaks SOCKS, which needs PySocks: pip install "requests[socks]"'
    if isinstance(error, InvalidProxyURL):
        return "the address of the proxy is not a URL; check HTTP_PROXY and HTTPS_PROXY"
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
    if any(str(one).startswith(_NO_CA_BUNDLE) for one in causes):
        return f"TLS failure: there is no CA bundle where one is expected; {_CHECK_CA_BUNDLE}"
    return f"the attempt failed ({type(error).__name__})"


def _detail(error: BaseException) -> str:
    """The error's text, if its class never puts a part of a request or response into it."""
    if isinstance(error, ssl.SSLError):
        text = getattr(error, "verify_message", None) or error.reason
        if error.reason in _NOT_TLS:
            return f" ({error.reason}): the server does not speak TLS here; should api_url begin with http://?"
    elif isinstance(error, UnreadableResponse):
        text = str(error)
    elif type(error) is NewConnectionError:
        text = next((one.strerror for one in _causes(error) if isinstance(one, OSError) and one.strerror), "")
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
