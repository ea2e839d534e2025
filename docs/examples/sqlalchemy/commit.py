from app import Policy, Session, publish, stored

from bc_events import events

with events.session(), Session.begin() as db:
    db.add(Policy(id=1))
    publish(1)
    assert stored() == []  # not before the commit

assert stored() == [1]
