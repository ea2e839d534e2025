from app import Policy, Session, publish, stored

from bc_events import events

try:
    with events.session():
        with Session.begin() as db:
            db.add(Policy(id=1))
            publish(1)  # stored: its transaction has committed
        publish(2)  # dropped: no transaction has it, so the scope decides
        raise LookupError
except LookupError:
    pass

assert stored() == [1]
