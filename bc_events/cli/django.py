"""Sets up Django for a command, as `manage.py` does for its own commands."""

from __future__ import annotations

import sys

from bc_events.errors import ConfigurationError


def set_up_for(outbox: str | None) -> None:
    """Loads Django's settings and apps if the outbox is Django's. Settings are found from the current folder.

    Raises `ConfigurationError`.
    """
    if outbox is None or outbox.partition(":")[0] != "django":
        return
    sys.path.insert(0, "")
    try:
        import django  # noqa: PLC0415  an extra
        from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    except ModuleNotFoundError:
        return  # making the outbox fails next, and says so
    try:
        django.setup()
    except (ImportError, ImproperlyConfigured) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigurationError(
            f"Django cannot be set up ({type(error).__name__}: {reason}); check DJANGO_SETTINGS_MODULE, and start the "
            "command where manage.py is"
        ) from error
