from app import Policy, publish, sent
from django.db import transaction
from django.db.models.signals import post_save

from bc_events import events


def refuse(**_):
    raise AssertionError("bulk_create calls no receiver")


post_save.connect(refuse, sender=Policy)

with events.session(), transaction.atomic():
    policies = Policy.objects.bulk_create([Policy(number=number) for number in (1, 2, 3)])
    for policy in policies:
        publish(policy.number)

assert sent() == [1, 2, 3]
