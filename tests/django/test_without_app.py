"""The middleware where INSTALLED_APPS lacks the app: in a process of its own, as apps are loaded once."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVICE = """
import sys

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from bc_events import EventClient, events
from bc_events.testing import capture_events

topics = {"DefaultCategory": "policies", "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": True}]}
settings.configure(
    ROOT_URLCONF="__main__",
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["bc_events.integrations.django.EventsMiddleware"],
    BC_EVENTS={"API_URL": None, "SERVICE_NAME": "OfTheSettings", "TOPICS": topics},
)
django.setup()
if "configured" in sys.argv:
    events.configure(EventClient(None, "OfTheCode", topics))

from django.test import Client


def view(request):
    events.created_policy({"id": 1})
    return HttpResponse()


urlpatterns = [path("", view)]
with capture_events() as captured:
    status = Client().get("/").status_code
    with events.session():
        events.created_policy({"id": 2})
print(status, *[event.actor.id for event in captured.sent])
"""


@pytest.mark.parametrize(
    ("argument", "said"), [("", "200 OfTheSettings OfTheSettings"), ("configured", "200 OfTheCode OfTheCode")]
)
def test_it_works_with_the_client_of_the_settings_unless_code_has_configured_one(argument, said):
    run = subprocess.run([sys.executable, "-c", SERVICE, argument], capture_output=True, text=True, timeout=60)
    assert (run.stdout.strip(), run.returncode) == (said, 0), run.stderr
