"""The Django app: a model, its migrations, its admin, and a command that runs a relay."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "bc_events.outbox.django"
    label = "bc_events_outbox"
    verbose_name = "Events outbox"
    default_auto_field = "django.db.models.BigAutoField"
