from app import Policy, publish, saved, sent
from django.db import transaction

from bc_events import events

with events.session(), transaction.atomic():
    try:
        Policy.objects.create(number=1)
        publish(1)  # sent: nobody rolls anything back
        raise LookupError
    except LookupError:
        pass
    try:
        with events.session():
            Policy.objects.create(number=2)
            publish(2)  # dropped with its scope, while its policy is saved
            raise LookupError
    except LookupError:
        pass
    try:
        with transaction.atomic(), events.session():
            Policy.objects.create(number=3)
            publish(3)  # dropped, as its policy is
            raise LookupError
    except LookupError:
        pass

assert saved() == [1, 2]
assert sent() == [1]
