"""Types of options. Each has the library check its value, and words the error for a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from bc_events._config import arguments
from bc_events._runtime import job_ids
from bc_events.constants import ACTOR_ID_MIN_LENGTH, ACTOR_TYPE_USER, JOB_ID_MAX_LENGTH, LOG_ONLY
from bc_events.errors import ConfigurationError, EventsError
from bc_events.event import Actor

from .escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Callable

    _TextType = click.ParamType[str]
else:
    _TextType = click.ParamType  # older releases take no type arguments


class OptionType(_TextType):
    """A text that the library checks. `remedy` says what to give in place of one that it refuses."""

    def __init__(self, name: str, check: Callable[[str], object], remedy: Callable[[str], str]) -> None:
        self.name = name
        self._check = check
        self._remedy = remedy

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            self._check(text)
        except EventsError:
            self.fail(self._remedy(text), param, ctx)
        return text


def _url_remedy(text: str) -> str:
    """The URL itself is not shown: it may contain a password."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.username or parts.password:
        return "it contains credentials, which end up in logs; give a client that has auth with --client"
    if parts.scheme in ("http", "https") and parts.hostname and (parts.query or parts.fragment):
        return "it has a query or a fragment; give only the part before /events"
    return (
        "it is not a URL of http or https; give one such as https://api.mysite.britecore.com, or "
        f"{LOG_ONLY} to check events and send none"
    )


def _check_url(text: str) -> object:
    return text == LOG_ONLY or arguments.url(text, has_auth=False)


def _check_service_name(text: str) -> None:
    if not text.isprintable():
        raise ConfigurationError(escaped(text))
    arguments.service_actor(text)


def _job_id_remedy(text: str) -> str:
    fault = "has a character that is not visible ASCII" if 0 < len(text) <= JOB_ID_MAX_LENGTH else "is too long"
    return f"it {fault if text else 'is empty'}; give 1 to {JOB_ID_MAX_LENGTH} visible ASCII characters, with no spaces"


API_URL: Final = OptionType("url", _check_url, _url_remedy)
FORWARD_URL: Final = OptionType("url", lambda text: arguments.url(text, has_auth=False), _url_remedy)
SERVICE_NAME: Final = OptionType(
    "name",
    _check_service_name,
    lambda _: f"give {ACTOR_ID_MIN_LENGTH} printable characters or more, with no space around them: PolicyService",
)
USER_ID: Final = OptionType(
    "id",
    lambda text: Actor(text, ACTOR_TYPE_USER),
    lambda _: f"give the user's Cognito id; an id has {ACTOR_ID_MIN_LENGTH} characters or more, not only white space",
)
JOB_ID: Final = OptionType(
    "id",
    job_ids.validated,
    _job_id_remedy,
)
