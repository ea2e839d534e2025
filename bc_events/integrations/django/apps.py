"""The Django app: settings.BC_EVENTS describes the process's default client."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import checks
from django.core.signals import setting_changed

from bc_events.configuration import configure_later

from .actor import before_login, before_logout
from .checks import check_settings
from .settings import NAME, default_client


class EventsConfig(AppConfig):
    """The client is made when it is first needed, so after a server has forked."""

    name = "bc_events.integrations.django"
    label = "bc_events"
    verbose_name = "Events"

    def ready(self) -> None:
        configure_later(default_client)
        checks.register(check_settings)
        user_logged_in.connect(before_login)
        user_logged_out.connect(before_logout)
        setting_changed.connect(_configure_anew)


def _configure_anew(*, setting: str, **_signal: Any) -> None:
    """`override_settings` in tests."""
    if setting == NAME:
        configure_later(default_client)
