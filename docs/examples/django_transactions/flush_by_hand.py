from app import Policy, publish, sent
from django.db import transaction

from bc_events import events

with events.session():
    publish(1)
    events.flush()  # sends what belongs to no transaction, now
    assert sent() == [1]

    with transaction.atomic():
        publish(2)
        events.flush()  # sends nothing: the transaction has this event
        transaction.set_rollback(True)  # drops it

    with transaction.atomic():
        Policy.objects.create(number=3)
        publish(3)
        assert events.rollback() == 1  # drops the event, and not the policy

assert sent() == [1]
