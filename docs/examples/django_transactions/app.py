import json
import os

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
for alias in ("default", "audit"):
    call_command("migrate", database=alias, verbosity=0)
    call_command("flush", database=alias, verbosity=0, interactive=False)

from policies.models import Policy  # noqa: E402

from bc_events import events  # noqa: E402
from bc_events.outbox.django.models import OutboxRow  # noqa: E402


def publish(number):
    """Stands for code anywhere below."""
    events.created_policy({"id": number})


def sent():
    """The policies whose events are in the outbox now: a relay sends these, and no others."""
    return [json.loads(row.payload)["data"]["id"] for row in OutboxRow.objects.order_by("seq")]


def saved():
    """The policies that are in the database now."""
    return list(Policy.objects.order_by("number").values_list("number", flat=True))
