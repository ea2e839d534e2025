from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

with events.session(), transaction.atomic():
    for number in (1, 2, 3):
        try:
            with transaction.atomic():
                Policy.objects.create(number=number)
                publish(number)
                if number == 2:
                    raise LookupError
        except LookupError:
            pass

assert sent() == [1, 3]
