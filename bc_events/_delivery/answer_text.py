"""The words of a response that is not a success, for its reader: those of the API, or of a proxy in its place."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from bc_events.errors import counted, printable

from .redirects import is_redirect

_LONGEST_WORD: Final = 100
_LONGEST_MESSAGE: Final = 500
_MOST_LOOKED_AT: Final = 1 << 16
_MESSAGES: Final = ("errorMessage", "message", "detail", "error")
"""The API's own, that of a gateway in front of it, and those of frameworks."""
_TITLE: Final = re.compile(rb"<(title|message)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL).search
_TOO_LARGE: Final = 413
_HINTS: Final = {
    401: "; check the credentials (auth)",
    403: "; check the credentials (auth)",
    404: "; check the path in api_url",
    405: "; check the path in api_url",
    407: "; the proxy wants credentials",
    410: "; check the path in api_url",
    421: "; check the host in api_url",
}
_REDIRECT: Final = "; redirects are not followed, so api_url must be the address that they lead to"
_NO_API: Final = "; check that api_url leads to an Events API"


def of_failure(status: int, error_type: str, body: bytes, address: str, *, is_final: bool) -> str:
    """The status, and what was said of it. `address` is left out where the API itself has answered."""
    hint = _REDIRECT if is_redirect(status) else _HINTS.get(status, "")
    is_from_elsewhere = not error_type and (bool(body) or (is_final and status != _TOO_LARGE))
    where = f"for {address}" if address and (hint or is_from_elsewhere) else ""
    head = " ".join(part for part in (f"HTTP {status}", error_type, where) if part)
    message = _message(body)
    return f"{head}: {message}{hint}" if message else f"{head}{hint}"


def without_message(reason: str, body: bytes) -> str:
    """What `of_failure` gives, without the API's own words: they may quote the event."""
    message = _message(body)
    return reason.replace(f": {message}", "", 1) if message else reason


def of_unpromised(status: int, body: bytes, count: int, address: str) -> str:
    """Of a 2xx for a request with so many events, whose body is not what the contract promises."""
    head = f"HTTP {status} for {address}" if address else f"HTTP {status}"
    if not body.strip():
        return f"{head}, but the body is empty{_NO_API}"
    if _is_markup(body):
        return f"{head}, but the body is {_markup(body)}{_NO_API}"
    if not _is_json(body):
        return f"{head}, but the body is not JSON{_NO_API}"
    lack = "eventId and jobId" if count == 1 else f"result for each of its {counted(count, 'event')}"
    return f"{head}, but the body has no {lack}"


def word(text: str) -> str:
    """A name that the API gave, fit for a log line."""
    return text[:_LONGEST_WORD] if text.isprintable() else ""


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty where it is something else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _message(body: bytes) -> str:
    answer = parsed(body)
    said = next((one for one in map(answer.get, _MESSAGES) if isinstance(one, str) and one.strip()), "")
    if not said and body.strip():
        if _is_markup(body):
            return _markup(body)
        if not _is_json(body):
            said = body[:_MOST_LOOKED_AT].decode(errors="replace")
    return printable(said.strip(), max_length=_LONGEST_MESSAGE)


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_markup(body: bytes) -> bool:
    return _text_of(body).startswith(b"<")


def _text_of(body: bytes) -> bytes:
    """Without a byte order mark and white space in front."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")


def _markup(body: bytes) -> str:
    """`a page of HTML ("502 Bad Gateway")`"""
    import html  # noqa: PLC0415  few services ever see a page of a proxy

    kind = "a document of XML" if _text_of(body).startswith(b"<?xml") else "a page of HTML"
    found = _TITLE(body[:_MOST_LOOKED_AT])
    title = " ".join(html.unescape(found[2].decode(errors="replace")).split()) if found else ""
    return f'{kind} ("{printable(title, max_length=_LONGEST_WORD)}")' if title else kind
