"""Connects to the process, once, what the settings ask for: from the app or, without it, from the middleware."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.signals import setting_changed

from bc_events._ambient.default_client import configure_later, is_configured

from .actor import before_login, before_logout
from .settings import NAME, EventsSettings, default_client

_APP: Final = "bc_events.integrations.django"
_UID: Final = "bc_events"


def follow_settings() -> None:
    """Called by the middleware. Without the app in INSTALLED_APPS, nothing else connects what the settings ask for."""
    if apps.is_installed(_APP):
        return
    connect()
    if EventsSettings.read().given and not is_configured():
        configure_later(default_client)


def connect() -> None:
    user_logged_in.connect(before_login, dispatch_uid=_UID)
    user_logged_out.connect(before_logout, dispatch_uid=_UID)
    setting_changed.connect(_configure_anew, dispatch_uid=_UID)


def _configure_anew(*, setting: str, **_signal: Any) -> None:
    """Called by `override_settings` in tests."""
    if setting == NAME:
        configure_later(default_client)
