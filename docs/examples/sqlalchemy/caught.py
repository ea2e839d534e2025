from app import Policy, Session, publish, saved, stored

from bc_events import events

with events.session(), Session.begin() as db:
    try:
        db.add(Policy(id=1))
        publish(1)  # stored: nobody rolls anything back
        raise LookupError
    except LookupError:
        pass
    try:
        with events.session():
            db.add(Policy(id=2))
            publish(2)  # dropped with its scope, while its policy is saved
            raise LookupError
    except LookupError:
        pass
    try:
        with db.begin_nested(), events.session():
            db.add(Policy(id=3))
            publish(3)  # dropped, as its policy is
            raise LookupError
    except LookupError:
        pass

assert saved() == [1, 2]
assert stored() == [1]
