from app import Policy, Session, publish, stored

from bc_events import events

with events.session():
    publish(1)
    events.flush()  # stores what belongs to no transaction, now
    assert stored() == [1]
    with Session() as db:
        db.add(Policy(id=2))
        publish(2)
        events.flush()  # stores nothing: the transaction has this event
        db.rollback()  # drops it

    with Session() as db:
        db.add(Policy(id=3))
        publish(3)
        assert events.rollback() == 1  # drops the event, and not the policy
        db.commit()

assert stored() == [1]
