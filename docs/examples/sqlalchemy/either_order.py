from app import Policy, Session, publish, stored

from bc_events import events

with events.session(), Session.begin() as db:
    db.add(Policy(id=1))
    publish(1)

with Session.begin() as db:
    with events.session():
        db.add(Policy(id=2))
        publish(2)
    assert stored() == [1]  # the scope has ended, and the transaction has not

try:
    with Session.begin() as db:
        with events.session():
            db.add(Policy(id=3))
            publish(3)  # dropped, although its scope ended well
        raise LookupError
except LookupError:
    pass

assert stored() == [1, 2]
