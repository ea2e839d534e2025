from app import Policy, publish, sent
from django.db import transaction

from bc_events import events


@events.session()
def announce(number):
    publish(number)


with events.session():
    with transaction.atomic():
        Policy.objects.create(number=1)
        transaction.on_commit(lambda: announce(1))
    assert sent() == []  # it joined the session that is live here

assert sent() == [1]

with transaction.atomic():
    with events.session():
        Policy.objects.create(number=2)
        transaction.on_commit(lambda: announce(2))  # the session will have ended by then
    assert sent() == [1]

assert sent() == [1, 2]
