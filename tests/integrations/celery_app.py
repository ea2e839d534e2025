"""A Celery application on the in-memory broker, and a task that publishes."""

from contextlib import contextmanager
from functools import partial

from celery import Celery, signals

from bc_events import events


def make_app(name, **settings):
    app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
    # A process has one such broker: with the default queue, the worker of one application takes another's messages.
    app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue=name, **settings)
    app.task = partial(app.task, shared=False)  # a shared task would be in each later application of this process too
    return app


def publishes(app, **options):
    @app.task(**options)
    def published(value=None):
        events.created_test({"id": 1})
        return value

    return published


@contextmanager
def signals_restored():
    """A process has one set of Celery's signals. Receivers that are connected in the block are removed afterwards."""
    used = (signals.worker_init,)
    before = [list(signal.receivers or ()) for signal in used]
    yield
    for signal, receivers in zip(used, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()
