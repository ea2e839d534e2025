"""The Django app: settings.BC_EVENTS describes the process's default client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.core import checks

from bc_events._ambient.default_client import configure_later

from .checks import check_settings
from .following import connect
from .settings import default_client

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class EventsConfig(AppConfig):
    """The client is made when it is first needed, so after a server has forked."""

    name = "bc_events.integrations.django"
    label = "bc_events"
    verbose_name: _StrOrPromise = "Events"

    def ready(self) -> None:
        configure_later(default_client)
        checks.register(check_settings)
        connect()
