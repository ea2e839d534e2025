from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

try:
    with events.session(), transaction.atomic():
        Policy.objects.create(number=1)
        publish(1)
        raise LookupError
except LookupError:
    pass

with events.session(), transaction.atomic():
    Policy.objects.create(number=2)
    publish(2)  # dropped, although nothing is raised
    transaction.set_rollback(True)

assert sent() == []
