import json

import boto3
import pytest
import service
from moto import mock_aws

REQUEST = {
    "headers": {"x-britecore-job-id": "job-1"},
    "requestContext": {"authorizer": {"claims": {"sub": "customer-1"}}},
}


@pytest.fixture(autouse=True)
def _amazon(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        boto3.client("sns").create_topic(Name="claims")
        yield


def asked(number):
    return service.open_claim({**REQUEST, "body": json.dumps({"number": number})}, None)


def message(number, job_id="job-1"):
    return {
        "messageId": f"message-{number}",
        "body": json.dumps({"number": number}),
        "messageAttributes": {"x-britecore-job-id": {"stringValue": job_id, "dataType": "String"}},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:claims",
    }


def test_a_request_publishes_for_the_authorizers_user(captured_events):
    assert asked(7) == {"statusCode": 201}
    opened = captured_events.assert_published("opened_claim", number=7)
    assert (opened.job_id, opened.actor.id) == ("job-1", "customer-1")


def test_a_refused_request_publishes_nothing(captured_events):
    assert asked(13) == {"statusCode": 409}
    captured_events.assert_nothing_published()


def test_a_message_that_fails_is_the_only_one_to_come_again(captured_events):
    answer = service.assess_claim({"Records": [message(14), message(15)]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-14"}]}
    assert captured_events.assert_published("assessed_claim").data["number"] == 15
