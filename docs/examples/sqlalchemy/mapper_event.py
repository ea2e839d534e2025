from app import Policy, Session, outbox, publish, stored
from sqlalchemy import event
from sqlalchemy.orm import object_session

from bc_events import events


@event.listens_for(Policy, "after_insert")
def announce(_mapper, _connection, policy):
    outbox.bind(object_session(policy))
    publish(policy.id)


with events.session():
    with Session.begin() as db:
        db.add(Policy(id=1))

    with Session() as db:
        db.add(Policy(id=2))
        db.flush()  # announces it
        db.rollback()  # drops the event

assert stored() == [1]
