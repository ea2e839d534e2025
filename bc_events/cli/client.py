"""The client of a command: one in the service's code, or one made of options, which the environment may give."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import click

from bc_events import EventClient
from bc_events._ambient.default_client import API_URL, SERVICE_NAME, TOPICS
from bc_events.constants import LOG_ONLY
from bc_events.errors import ConfigurationError, kind_of

from . import django

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def loaded(name: str) -> EventClient:
    """The client that a module has under a name. Raises `ConfigurationError`."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigurationError(f"--client {name} is not MODULE:ATTR; give one such as myservice.events:client")
    sys.path.insert(0, "")  # as for `python -m`: a service's modules are in the folder it is started from
    found = getattr(_imported(name, module), attribute, None)
    if not isinstance(found, EventClient):
        kind = "is not in that module" if found is None else f"is {kind_of(found)}, not an EventClient"
        raise ConfigurationError(f"--client {name}: {attribute} {kind}; {_clients(module)}")
    return found


def _imported(name: str, module: str) -> ModuleType:
    """Imports the module. The error tells a missing module from one whose own imports fail."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"--client {name}: there is no module {error.name}; start the command in the folder of your service"
            ) from error
        raise ConfigurationError(_cannot_be_imported(name, module, error)) from error
    except (Exception, SystemExit) as error:  # the service's code may raise anything
        raise ConfigurationError(_cannot_be_imported(name, module, error)) from error


def _cannot_be_imported(name: str, module: str, error: BaseException) -> str:
    return (
        f"--client {name}: the import of {module} failed with {type(error).__name__}: {error}; "
        f'see where with python -c "import {module}"'
    )


def _clients(module: str) -> str:
    found = [name for name, value in vars(sys.modules[module]).items() if isinstance(value, EventClient)]
    return f"did you mean {module}:{found[0]}?" if found else "give MODULE:ATTR of one"


def made(*, api_url: str | None, service: str | None, topics: Path | None, outbox: str | None) -> EventClient:
    """Makes a client from options, as a service makes its own from the environment. With `log:` it stores nothing."""
    if not api_url or not service or topics is None:
        given = {f"--api-url or {API_URL}": api_url, f"--service or {SERVICE_NAME}": service}
        missing = [name for name, value in {**given, f"--topics or {TOPICS}": topics}.items() if not value]
        raise click.UsageError(f"Give {', and '.join(missing)}; or --client.")
    if api_url == LOG_ONLY:
        return EventClient(LOG_ONLY, service, topics)
    django.set_up_for(outbox)
    return EventClient(api_url, service, topics, outbox=outbox or None)
