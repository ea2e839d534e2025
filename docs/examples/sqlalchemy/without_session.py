from app import Policy, engine, publish, stored
from sqlalchemy import insert

from bc_events import events

with events.session():
    with engine.begin() as connection:
        connection.execute(insert(Policy).values(id=1))
        publish(1)
        with connection.begin_nested() as savepoint:
            connection.execute(insert(Policy).values(id=2))
            publish(2)
            savepoint.rollback()  # drops this event

    with engine.connect() as connection:
        connection.execute(insert(Policy).values(id=3))
        publish(3)  # dropped: nobody commits

assert stored() == [1]
