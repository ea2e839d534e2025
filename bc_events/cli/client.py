"""The client of a command: one in the service's code, or one made of options, which the environment may give."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import click

from bc_events import EventClient
from bc_events._ambient.default_client import API_URL, SERVICE_NAME, TOPICS
from bc_events.constants import LOG_ONLY
from bc_events.errors import ConfigurationError

from . import django

if TYPE_CHECKING:
    from pathlib import Path


def loaded(name: str) -> EventClient:
    """The client that a module has under a name. Raises `ConfigurationError`."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigurationError(f"--client {name} is not MODULE:ATTR; give one such as myservice.events:client")
    sys.path.insert(0, "")  # as for `python -m`: a service's modules are in the folder it is started from
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # the service's code may raise anything
        raise ConfigurationError(
            f"--client {name} cannot be loaded ({type(error).__name__}: {error}); start the command in the folder of "
            f'your service, and try python -c "import {module}" there'
        ) from error
    if not isinstance(found, EventClient):
        raise ConfigurationError(f"--client {name} is a {type(found).__name__}; name an EventClient")
    return found


def made(*, api_url: str | None, service: str | None, topics: Path | None, outbox: str | None) -> EventClient:
    """As the environment makes a service's own client; but with `log:` it needs no outbox, and stores nothing."""
    if not api_url or not service or topics is None:
        given = {f"--api-url or {API_URL}": api_url, f"--service or {SERVICE_NAME}": service}
        missing = [name for name, value in {**given, f"--topics or {TOPICS}": topics}.items() if not value]
        raise click.UsageError(f"Give {', and '.join(missing)}; or --client.")
    if api_url == LOG_ONLY:
        return EventClient(LOG_ONLY, service, topics)
    django.set_up_for(outbox)
    return EventClient(api_url, service, topics, outbox=outbox or None)
