"""Celery: writes the bill, and tells the rest of the company by SNS."""

import json
import os

import boto3
from celery import Celery

from bc_events import events
from bc_events.integrations import aws
from bc_events.integrations.celery import install

app = Celery("billing", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": os.environ["BROKER_FOLDER"],
        "data_folder_out": os.environ["BROKER_FOLDER"],
        "control_folder": os.environ["BROKER_FOLDER"] + "-control",
        "polling_interval": 0.05,
    },
    task_ignore_result=True,
    worker_enable_remote_control=False,
)
install(app)


@app.task
def bill():
    with events.service_context():
        events.sent_bill({"number": 3})
    boto3.client("sns", endpoint_url=os.environ["AWS_URL"]).publish(
        TopicArn=os.environ["BILLS_TOPIC"], Message=json.dumps({"bill": 3}), MessageAttributes=aws.inject({})
    )
