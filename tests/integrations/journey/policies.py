"""Django: makes the policy in a transaction, and once that has committed, has it billed."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.http import HttpResponse
from django.urls import path

from bc_events import Actor, events

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["bc_events.integrations.django"],
    MIDDLEWARE=["bc_events.integrations.django.EventsMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["POLICIES_DB"],
            "ATOMIC_REQUESTS": True,
        }
    },
    BC_EVENTS={
        "API_URL": os.environ["BC_EVENTS_API_URL"],
        "SERVICE_NAME": "PolicyService",
        "TOPICS": os.environ["BC_EVENTS_TOPICS"],
        "ACTOR": lambda _request: Actor("agent-0002", "user"),
    },
)
django.setup()

from tests.integrations.journey.billing import bill  # noqa: E402  Celery finds Django by its settings


def make_policy(request):
    """It answers with success in any case: the transaction alone decides."""
    events.created_policy({"number": 2})
    transaction.on_commit(bill.delay)
    if request.GET["fails"] == "True":
        transaction.set_rollback(True)
    return HttpResponse("made")


urlpatterns = [path("policies", make_policy)]
application = get_wsgi_application()
