"""Settings of the Django service under test: two databases, the library's apps, and the middleware last."""

import os
import pathlib
import tempfile

_FOLDER = pathlib.Path(tempfile.gettempdir())
_WORKER = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{os.getpid()}"


def _sqlite(name):
    file = str(_FOLDER / f"bc-events-{_WORKER}-{name}.sqlite3")
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "TEST": {"NAME": file}, "OPTIONS": {"timeout": 20}}


SECRET_KEY = "of a test"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": _sqlite("default"), "other": _sqlite("other")}
ROOT_URLCONF = "tests.django.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "bc_events.integrations.django",
    "bc_events.outbox.django",
    "tests.django.policies",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "bc_events.integrations.django.EventsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
BC_EVENTS = {
    "API_URL": None,
    "SERVICE_NAME": "PolicyService",
    "TOPICS": {
        "DefaultCategory": "policies",
        "Topics": [
            {"Action": action, "Entity": "Policy", "Schema": {"type": "object"}} for action in ("Created", "Renewed")
        ],
    },
}
