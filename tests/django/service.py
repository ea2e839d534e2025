"""One Django in this process, set up without an environment variable: child processes of tests would inherit it."""

from __future__ import annotations

import django
from django.conf import settings as django_settings

from . import settings

if not django_settings.configured:
    django_settings.configure(**{name: getattr(settings, name) for name in dir(settings) if name.isupper()})
    django.setup()
