from app import Policy, Session, publish, stored

from bc_events import events

try:
    with events.session(), Session.begin() as db:
        db.add(Policy(id=1))
        publish(1)  # dropped: the exception rolls the transaction back
        raise LookupError
except LookupError:
    pass

with events.session(), Session() as db:
    db.add(Policy(id=2))
    publish(2)  # dropped, although nothing is raised
    db.rollback()
    db.add(Policy(id=3))
    publish(3)  # stored: the next transaction commits
    db.commit()
    db.add(Policy(id=4))
    publish(4)  # dropped: the session is closed without a commit

assert stored() == [3]
