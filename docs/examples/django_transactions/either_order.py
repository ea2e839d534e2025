from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

with transaction.atomic(), events.session():
    Policy.objects.create(number=1)
    publish(1)

try:
    with transaction.atomic():
        with events.session():
            Policy.objects.create(number=2)
            publish(2)  # dropped, although its scope ended well
        raise LookupError
except LookupError:
    pass

assert sent() == [1]
