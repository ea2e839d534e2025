from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

with events.session(), transaction.atomic():
    Policy.objects.create(number=1)
    publish(1)

assert sent() == [1]
