from app import Policy, publish, saved, sent
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from bc_events import events


@receiver(post_save, sender=Policy)
@events.session()  # joins the live session; in a shell, where there is none, it opens one
def announce(instance, created, **_):
    if created:
        publish(instance.number)


with events.session(), transaction.atomic():
    Policy.objects.create(number=1)

try:
    with events.session(), transaction.atomic():
        Policy.objects.create(number=2)
        raise LookupError
except LookupError:
    pass

with transaction.atomic():  # in a shell
    Policy.objects.create(number=3)

assert saved() == sent() == [1, 3]
