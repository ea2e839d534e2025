from app import Policy, Session, publish, stored

from bc_events import events

try:
    with Session.begin() as db:
        db.get(Policy, 1)
        with events.session():
            publish(1)  # stored at the end of this scope: the transaction has only read so far
        db.add(Policy(id=1))
        raise LookupError
except LookupError:
    pass

try:
    with events.session(), Session.begin() as db:
        db.get(Policy, 2)
        publish(2)  # dropped: the transaction writes before the scope ends
        db.add(Policy(id=2))
        raise LookupError
except LookupError:
    pass

assert stored() == [1]  # for a policy that was never saved
