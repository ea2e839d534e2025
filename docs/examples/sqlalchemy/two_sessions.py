from app import Policy, Session, outbox, publish, stored

from bc_events import events

with events.session(), Session() as first, Session() as last:
    first.add(Policy(id=1))
    first.flush()
    last.add(Policy(id=2))
    last.flush()
    publish(2)  # belongs to the transaction begun last, with a WARNING
    outbox.bind(first)
    publish(1)  # belongs to `first`
    first.rollback()
    last.commit()

assert stored() == [2]
