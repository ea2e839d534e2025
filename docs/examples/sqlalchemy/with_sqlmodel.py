from app import engine, publish, stored
from sqlmodel import Field, Session, SQLModel

from bc_events import events


class Customer(SQLModel, table=True):
    id: int = Field(primary_key=True)


SQLModel.metadata.create_all(engine)

with events.session(), Session(engine) as db:
    db.add(Customer(id=1))
    publish(1)
    db.commit()
    db.add(Customer(id=2))
    publish(2)  # dropped: nobody commits

assert stored() == [1]
