import os
from pathlib import Path

HERE = Path(__file__).parent


def database(name):
    if "PGHOST" in os.environ:
        return {"ENGINE": "django.db.backends.postgresql", "USER": "postgres", "NAME": name}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / f"{name}.sqlite3"}


DATABASES = {"default": database("policies") | {"ATOMIC_REQUESTS": True}, "audit": database("audit")}
INSTALLED_APPS = ["bc_events.integrations.django", "bc_events.outbox.django", "policies"]
MIDDLEWARE = ["bc_events.integrations.django.EventsMiddleware"]
BC_EVENTS = {
    "API_URL": "http://127.0.0.1:8026",
    "SERVICE_NAME": "PolicyService",
    "TOPICS": HERE / "topics.yaml",
    "OUTBOX": "django",
}
ROOT_URLCONF = "atomic_requests"
ALLOWED_HOSTS = ["testserver"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
