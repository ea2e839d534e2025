from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from bc_events import EventClient, events
from bc_events.integrations.asgi import EventsMiddleware
from bc_events.outbox import SQLAlchemyOutbox, outbox_table

router = APIRouter()


class Base(DeclarativeBase):
    pass


class Claim(Base):
    __tablename__ = "claim"

    number: Mapped[int] = mapped_column(primary_key=True)


outbox_table(Base.metadata)


def get_db(request: Request):
    with request.app.state.sessions.begin() as db:
        yield db


Database = Annotated[Session, Depends(get_db, scope="function")]


@router.post("/claims/{number}")
def open_claim(number: int, db: Database):
    db.add(Claim(number=number))
    events.opened_claim({"number": number})
    if number == 13:
        raise HTTPException(409, "taken")


def create_app(url):
    app = FastAPI()
    app.include_router(router)
    app.add_middleware(EventsMiddleware)
    engine = create_engine(url)
    Base.metadata.create_all(engine)  # migrations do it better
    app.state.sessions = sessionmaker(engine)
    outbox = SQLAlchemyOutbox(app.state.sessions)
    events.configure(EventClient("http://127.0.0.1:8026", "ClaimsService", "topics.yaml", outbox=outbox))
    return app
