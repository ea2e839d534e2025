from app import Policy, engine, outbox, publish, stored
from sqlalchemy.orm import Session, sessionmaker

from bc_events import events

with events.session():
    with Session(engine) as db:  # followed: it is bound to the outbox's database
        db.add(Policy(id=1))
        publish(1)
        db.rollback()

    with sessionmaker(binds={Policy: engine})() as db:  # has a bind for each class instead
        outbox.bind(db)
        db.add(Policy(id=2))
        publish(2)
        db.rollback()

assert stored() == []
