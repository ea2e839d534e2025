import json

import boto3

from bc_events import EventClient, events
from bc_events.integrations import aws

events.configure(EventClient(None, "ClaimsService", "topics.yaml"))


@aws.request(user="authorizer")
def open_claim(request, _context):
    """Behind API Gateway: opens a claim, and has it assessed."""
    number = json.loads(request["body"])["number"]
    events.opened_claim({"number": number})
    if number == 13:
        return {"statusCode": 409}
    boto3.client("sns").publish(
        TopicArn="arn:aws:sns:eu-west-1:123456789012:claims",
        Message=json.dumps({"number": number}),
        MessageAttributes=aws.inject({}),
    )
    return {"statusCode": 201}


@aws.each_record()
def assess_claim(record, _context):
    """Behind SQS: one message after the other."""
    number = json.loads(record["body"])["number"]
    events.assessed_claim({"number": number, "amount": 250})
    if number == 14:
        raise LookupError("no photos")
