"""System checks: mistakes in the settings show when the service starts, not when an event is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import router
from django.utils.module_loading import import_string

from bc_events.errors import ConfigurationError

from .middleware import EventsMiddleware
from .settings import NAME, EventsSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AUTHENTICATION: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"
_OUTBOX_APP: Final = "bc_events.outbox.django"
_DEFAULT_ALIAS: Final = "default"


def check_settings(**_options: Any) -> list[checks.CheckMessage]:
    """Everything that can be known without a database."""
    try:
        events_settings = EventsSettings.read()
        events_settings.integration()
        _ = events_settings.actor_of, events_settings.success
        if events_settings.given:
            # Not closed: it has opened nothing itself, and its requests session may be the application's.
            events_settings.client(outbox=None, delivery=None)
    except ConfigurationError as error:
        return [checks.Error(str(error), id="bc_events.E001", obj=f"settings.{NAME}")]
    alias = _outbox_alias(events_settings.given.get("OUTBOX"))
    return [*_middleware(), *(_transactions(alias or _DEFAULT_ALIAS)), *(_outbox(alias) if alias else ())]


def _middleware() -> Iterator[checks.CheckMessage]:
    names = list(settings.MIDDLEWARE)
    places = [place for place, name in enumerate(names) if _is_ours(name)]
    if not places:
        yield checks.Warning(
            "EventsMiddleware is not in MIDDLEWARE, so requests have no session and publishing in a view raises",
            hint='Add "bc_events.integrations.django.EventsMiddleware" as the last entry.',
            id="bc_events.W001",
        )
    elif _AUTHENTICATION in names[places[0] :]:
        yield checks.Warning(
            "EventsMiddleware comes before AuthenticationMiddleware",
            hint="Put EventsMiddleware last: only then does it see every exception that a view raises.",
            id="bc_events.W002",
        )
    if len(places) > 1:
        yield checks.Error("EventsMiddleware is in MIDDLEWARE twice", hint="Remove one.", id="bc_events.E002")


def _is_ours(name: str) -> bool:
    try:
        return import_string(name) is EventsMiddleware
    except ImportError:
        return False


def _transactions(alias: str) -> Iterator[checks.CheckMessage]:
    database = settings.DATABASES.get(alias, {})
    if not database.get("AUTOCOMMIT", True):
        yield checks.Error(
            f"the database {alias!r} has AUTOCOMMIT off, so nobody can tell when an event's transaction commits",
            hint="Leave AUTOCOMMIT on, and use atomic.",
            id="bc_events.E003",
        )
    if database and not database.get("ATOMIC_REQUESTS", False):
        yield checks.Warning(
            f"the database {alias!r} has no ATOMIC_REQUESTS: what a view publishes outside atomic is sent unless the "
            "view raises, also where only a part of its work was saved",
            hint="Set ATOMIC_REQUESTS, or publish inside transaction.atomic and silence this check.",
            id="bc_events.W003",
        )


def _outbox_alias(outbox: object) -> str | None:
    """The database that a Django outbox is to live in; None for any other outbox."""
    if isinstance(outbox, str) and outbox.partition(":")[0] == "django":
        return outbox.partition(":")[2] or _DEFAULT_ALIAS
    using = getattr(outbox, "using", None)
    return using if isinstance(using, str) else None


def _outbox(alias: str) -> Sequence[checks.CheckMessage]:
    if alias not in settings.DATABASES:
        known = ", ".join(settings.DATABASES)
        return [
            checks.Error(
                f"the outbox is to live in the database {alias!r}, which is not in DATABASES",
                hint=f"Name one of {known}.",
                id="bc_events.E004",
            )
        ]
    if not apps.is_installed(_OUTBOX_APP):
        return [
            checks.Error(
                f"the outbox has no table: {_OUTBOX_APP} is not in INSTALLED_APPS",
                hint=f'Add "{_OUTBOX_APP}", and run "manage.py migrate".',
                id="bc_events.E005",
            )
        ]
    return [*_table(alias), *_neighbours(alias)]


def _table(alias: str) -> Iterator[checks.CheckMessage]:
    if not all(
        router.allow_migrate_model(alias, model) for model in apps.get_app_config("bc_events_outbox").get_models()
    ):
        yield checks.Error(
            f"a database router keeps the outbox's table out of the database {alias!r}",
            hint=f"Let allow_migrate return True or None for bc_events_outbox on {alias!r}.",
            id="bc_events.E006",
        )


def _neighbours(alias: str) -> Iterator[checks.CheckMessage]:
    """An event and the rows it speaks of commit together only in one database."""
    elsewhere = sorted(
        model._meta.label
        for model in apps.get_models()
        if model._meta.managed and _is_own(model) and router.db_for_write(model) != alias
    )
    if elsewhere:
        shown = ", ".join(elsewhere[:5]) + (", …" if len(elsewhere) > 5 else "")  # noqa: PLR2004
        yield checks.Warning(
            f"the outbox lives in the database {alias!r}, and these models do not: {shown}; an event published in "
            "their transactions may be sent though they roll back, or be lost though they commit",
            hint='Name their database in OUTBOX ("django:alias"), or silence this check where they publish nothing.',
            id="bc_events.W004",
        )


def _is_own(model: Any) -> bool:
    package: str = apps.get_app_config(model._meta.app_label).name
    return not package.startswith(("django.contrib.", "bc_events."))
