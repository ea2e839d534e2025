from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

try:
    with events.session():
        with transaction.atomic():
            Policy.objects.create(number=1)
            publish(1)  # sent: its transaction has committed
        publish(2)  # dropped: no transaction has it, so the scope decides
        raise LookupError
except LookupError:
    pass

assert sent() == [1]
