from app import Policy, Session, publish, stored

from bc_events import events

with events.session():
    with Session.begin() as db:
        db.add(Policy(id=1))
        publish(1)

    with Session() as db:
        policy = db.get(Policy, 1)  # begins another transaction, which nobody commits
        publish(policy.id)  # is not dropped with it: it has only read
    assert stored() == [1]

assert stored() == [1, 1]
