from app import FILE, Policy, publish, saved, stored
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bc_events import events

plain = create_engine(f"sqlite:///{FILE}")  # without these two lines

with events.session(), Session(plain) as db:
    with db.begin_nested():
        db.add(Policy(id=1))
        publish(1)
    db.rollback()

assert saved() == [1]  # the release of the savepoint has committed it, and nobody has rolled it back
assert stored() == []  # its event was rolled back, as the program says
