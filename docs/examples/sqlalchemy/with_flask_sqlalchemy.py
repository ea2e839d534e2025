from app import Base, Policy, engine, publish, stored
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from bc_events import EventClient, events
from bc_events.outbox import SQLAlchemyOutbox

db = SQLAlchemy(model_class=Base)


def create_app(url):
    app = Flask("policies")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    with app.app_context():
        outbox = SQLAlchemyOutbox(db.session, engine=db.engine)
    events.configure(EventClient("http://127.0.0.1:8026", "PolicyService", "topics.yaml", outbox=outbox))
    return app


with create_app(engine.url).app_context(), events.session():
    db.session.add(Policy(id=1))
    publish(1)
    db.session.commit()
    db.session.add(Policy(id=2))
    publish(2)
    db.session.rollback()

assert stored() == [1]
