from app import Policy, Session, publish, stored

from bc_events import events

with events.session():
    publish(1)
    with Session.begin() as db:
        db.add(Policy(id=2))
        publish(2)
    publish(3)
    assert stored() == [2]

assert stored() == [2, 1, 3]  # events of no transaction are stored when the scope ends
