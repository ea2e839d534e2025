"""A Celery application on the in-memory broker, and a task that publishes."""

from contextlib import contextmanager
from functools import partial

from celery import Celery, signals

from bc_events import events


def make_app(name, **settings):
    app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
    # The broker is the process's: with the default queue the worker of one application takes another's messages.
    app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue=name, **settings)
    app.task = partial(app.task, shared=False)  # else each later application of this process has it too
    return app


def publishes(app, **options):
    @app.task(**options)
    def published(value=None):
        events.created_test({"id": 1})
        return value

    return published


@contextmanager
def signals_restored():
    """Celery's signals are the process's: what is connected in the block is forgotten afterwards."""
    used = (signals.worker_init,)
    before = [list(signal.receivers or ()) for signal in used]
    yield
    for signal, receivers in zip(used, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()
