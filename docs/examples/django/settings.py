import os
from pathlib import Path

HERE = Path(__file__).parent

BC_EVENTS = {
    "API_URL": os.environ.get("BC_EVENTS_API_URL"),  # None only logs
    "SERVICE_NAME": "ClaimsService",
    "TOPICS": HERE / "topics.yaml",
    "OUTBOX": "django",
}
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3", "ATOMIC_REQUESTS": True},
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "bc_events.integrations.django",
    "bc_events.outbox.django",
    "claims",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bc_events.integrations.django.EventsMiddleware",
]
ROOT_URLCONF = "claims.views"
SECRET_KEY = "of an example"
ALLOWED_HOSTS = ["127.0.0.1"]
