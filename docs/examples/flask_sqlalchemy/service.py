from flask import Flask, abort, g, request
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from bc_events import Actor, EventClient, events
from bc_events.integrations.wsgi import EventsMiddleware
from bc_events.outbox import SQLAlchemyOutbox, outbox_table


class Base(DeclarativeBase):
    pass


class Claim(Base):
    __tablename__ = "claim"

    number: Mapped[int] = mapped_column(primary_key=True)


outbox_table(Base.metadata)


def user_of(_environ):
    """Asked when the request comes in, and again with each event until there is a user."""
    return Actor(g.user_id, "user") if "user_id" in g else None


def create_app(url):
    app = Flask(__name__)
    app.wsgi_app = EventsMiddleware(app.wsgi_app, actor=user_of)
    engine = create_engine(url)
    Base.metadata.create_all(engine)  # migrations do it better
    sessions = sessionmaker(engine)
    outbox = SQLAlchemyOutbox(sessions)
    events.configure(EventClient("http://127.0.0.1:8026", "ClaimsService", "topics.yaml", outbox=outbox))

    @app.before_request
    def begin():
        g.user_id = request.headers["authorization"]  # stands for real authentication
        g.db = sessions()

    @app.teardown_request
    def close(_error):
        if "db" in g:
            g.db.close()  # without a commit: a rollback

    @app.post("/claims/<int:number>")
    def open_claim(number):
        g.db.add(Claim(number=number))
        events.opened_claim({"number": number})
        if number == 13:
            abort(409)
        g.db.commit()
        return {"opened": number}

    return app
