from flask import Flask, abort, request

from bc_events import EventClient, events
from bc_events.integrations.wsgi import EventsMiddleware

events.configure(EventClient(None, "ClaimsService", "topics.yaml"))
app = Flask(__name__)
app.wsgi_app = EventsMiddleware(app.wsgi_app)


@app.post("/claims/<int:number>")
def open_claim(number):
    with events.user_context(request.headers["authorization"]):  # stands for real authentication
        events.opened_claim({"number": number})
    if number == 13:
        abort(409)
    return {"job": events.current_job_id()}


@app.get("/assess")
def assess():
    def rows():
        for number in range(3):
            events.assessed_claim({"number": number, "amount": 250})
            yield f"{number}\n"

    return app.response_class(rows())
