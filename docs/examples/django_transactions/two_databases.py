from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

with events.session(), transaction.atomic(), transaction.atomic("audit"):
    Policy.objects.create(number=1)
    publish(1)  # sent: both commit

with events.session(), transaction.atomic():
    try:
        with transaction.atomic("audit"):
            Policy.objects.create(number=2)
            publish(2)  # dropped: one of the two is rolled back
            raise LookupError
    except LookupError:
        pass
    publish(3)  # sent: the other commits

assert sent() == [1, 3]
