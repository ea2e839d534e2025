from app import Policy, Session, publish, stored

from bc_events import events

with events.session(), Session.begin() as db:
    policy = Policy(premium=300)
    db.add(policy)
    assert policy.id is None  # the database makes it
    db.flush()
    publish(policy.id)

assert stored() == [1]
