"""A Celery worker whose tasks publish; its broker is a folder."""

from __future__ import annotations

import os

from celery import Celery

from tests.faults.app import publish

_folder = os.environ["FAULTS_BROKER"]
app = Celery("faults", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": _folder, "data_folder_out": _folder, "control_folder": f"{_folder}/c"},
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task
def work(key: str) -> None:
    publish(key)
