"""A Lambda function that writes a letter for each bill; run as a program, it does what AWS does around one."""

import os

import boto3

from bc_events import events
from bc_events.integrations import aws
from tests.integrations.aws_events import sqs_record


@aws.each_record()
def handler(record, context):
    events.written_letter({"number": 4})


if __name__ == "__main__":
    queues = boto3.client("sqs", endpoint_url=os.environ["AWS_URL"])
    queue = os.environ["BILLS_QUEUE"]
    while True:
        for message in queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            handler({"Records": [sqs_record(message["MessageId"], message["Body"])]}, None)
            queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
