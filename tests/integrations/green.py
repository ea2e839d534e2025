"""Celery tasks that hand over to each other between two events, for a worker whose pool is of greenlets."""

import os
import time

from celery import Celery

from bc_events import events
from bc_events.integrations.celery import install

app = Celery("green", broker="filesystem://", set_as_current=False)
app.conf.update(
    broker_transport_options={
        "data_folder_in": os.environ.get("BROKER_FOLDER"),
        "data_folder_out": os.environ.get("BROKER_FOLDER"),
        "control_folder": f"{os.environ.get('BROKER_FOLDER')}-control",
        "polling_interval": 0.05,
    },
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=0,
)
install(app)


@app.task
def work(number):
    events.created_test({"number": number})
    time.sleep(0.01)  # other tasks run meanwhile, on this very thread
    events.created_other({"number": number})
    if number % 4 == 0:
        raise LookupError
