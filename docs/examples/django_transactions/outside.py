from app import Policy, publish, saved, sent

from bc_events import events

with events.session():
    Policy.objects.create(number=1)  # Django commits it here
    publish(1)
    assert sent() == []

assert sent() == [1]

try:
    with events.session():
        Policy.objects.create(number=2)
        publish(2)
        raise LookupError
except LookupError:
    pass

assert saved() == [1, 2]  # nothing rolls the policy back
assert sent() == [1]  # and its event is dropped with the scope
