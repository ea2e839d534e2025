from app import Policy, Session, publish, stored

from bc_events import events

with events.session(), Session.begin() as db:
    for number in (1, 2, 3):
        try:
            with db.begin_nested():
                db.add(Policy(id=number))
                publish(number)
                if number == 2:
                    raise LookupError
        except LookupError:
            pass

assert stored() == [1, 3]
