from celery import Celery

from bc_events import EventClient, events
from bc_events.integrations.celery import install

events.configure(EventClient(None, "ClaimsService", "topics.yaml"))
app = Celery("claims", broker="memory://")
install(app)


@app.task(autoretry_for=(ConnectionError,), retry_kwargs={"countdown": 0})
def assess(number):
    events.assessed_claim({"number": number, "amount": 250})
    fetch_photos(number)


def fetch_photos(number):
    """Stands for something that fails now and then."""


def open_claim(number, user_id):
    with events.user_context(user_id):
        events.opened_claim({"number": number})
        assess.delay(number)
