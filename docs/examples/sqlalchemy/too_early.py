from app import Policy, Session, outbox, publish, saved, stored

from bc_events import events

with events.session(), Session() as db:
    publish(1)  # no transaction is open: Session() begins one with its first statement
    db.add(Policy(id=1))
    db.rollback()

assert stored() == [1]  # for a policy that was never saved
assert saved() == []

with events.session(), Session() as db:
    outbox.bind(db)
    publish(2)  # belongs to the next transaction of this session
    db.add(Policy(id=2))
    db.rollback()

with events.session(), Session() as db, db.begin():
    publish(3)
    db.add(Policy(id=3))
    db.rollback()

assert stored() == [1]
