"""Flask; "elsewhere" is the body, which publishes as it is streamed."""

import time

import flask

from bc_events import events
from bc_events.integrations.wsgi import EventsMiddleware
from tests.integrations.load import OUTCOMES, TRUSTED

service = flask.Flask(__name__)


@service.get("/<int:number>")
def answer(number):
    outcome = OUTCOMES[number % 4]
    events.created_test({"number": number})
    time.sleep(0.02)

    def body():
        events.created_other({"number": number})
        yield str(number)

    if outcome == "raises":
        raise LookupError
    if outcome == "ok elsewhere":
        return flask.Response(body())
    return "".join(body()), 409 if outcome == "refuses" else 200


app = EventsMiddleware(service.wsgi_app, border=TRUSTED)
