"""The Django app: a model, its migrations, its admin, and a command that runs a relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from django.utils.functional import _Getter, _StrOrPromise


class OutboxConfig(AppConfig):
    name = "bc_events.outbox.django"
    label = "bc_events_outbox"
    verbose_name: _StrOrPromise = "Events outbox"
    default_auto_field: str | _Getter[str] = "django.db.models.BigAutoField"
