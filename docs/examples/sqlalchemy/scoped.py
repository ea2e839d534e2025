from app import Policy, Session, publish, stored
from sqlalchemy.orm import scoped_session

from bc_events import events

db = scoped_session(Session)

with events.session():
    db.add(Policy(id=1))
    publish(1)
    db.commit()
    db.add(Policy(id=2))
    publish(2)  # dropped: nobody commits
    db.remove()

assert stored() == [1]
