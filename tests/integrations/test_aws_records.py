"""Lambda functions of messages: SQS, SNS and EventBridge, and SNS and SQS themselves by moto."""

import json
import logging

import boto3
import pytest
from moto import mock_aws

from bc_events import ConfigurationError, DeliveryError, events
from bc_events.integrations import aws
from bc_events.propagation import HTTP, Border

from .aws_events import event_bridge_event, sns_event, sqs_record

CARRIED = {"x-britecore-job-id": "job-1", "x-britecore-actor-id": "user-one", "x-britecore-actor-type": "user"}
USER = ("user-one", "user")
SERVICE = ("PolicyService", "service")


def publishing(client, **settings):
    """A handler whose records publish what their body says; a body of "bad" fails."""

    @aws.each_record(client=client, **settings)
    def handler(record, context):
        events.created_test({"body": record.get("body", "none")})
        if record.get("body") == "bad":
            raise LookupError("broken")
        return "done"

    return handler


def sqs(*records):
    return {"Records": list(records)}


def test_a_record_of_sqs_is_handled_under_the_job_and_actor_of_its_attributes(client, delivery):
    assert publishing(client)(sqs(sqs_record(attributes=CARRIED)), None) == {"batchItemFailures": []}
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


def test_each_record_has_a_session_of_its_own(client, delivery):
    publishing(client)(sqs(sqs_record("1"), sqs_record("2", attributes=CARRIED), sqs_record("3")), None)
    assert (len(set(delivery.jobs)), delivery.actors) == (3, [SERVICE, USER, SERVICE])


def test_records_that_fail_are_reported_and_the_others_are_not_repeated(client, delivery, caplog):
    records = [sqs_record("1", "good"), sqs_record("2", "bad"), sqs_record("3", "good")]
    answer = publishing(client)(sqs(*records), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert delivery.data == [{"body": "good"}, {"body": "good"}]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.bc_message_id, record.exc_info[0]) == ("2", LookupError)


def test_records_after_a_failed_one_keep_their_place_in_a_fifo_queue(client, delivery):
    records = [sqs_record(str(number), body, queue="claims.fifo") for number, body in enumerate(("a", "bad", "b"))]
    answer = publishing(client)(sqs(*records), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert delivery.data == [{"body": "a"}]


def test_a_batch_that_fails_as_a_whole_fails(client, delivery):
    """Also where the event source mapping lacks ReportBatchItemFailures, which would take any answer for success."""
    with pytest.raises(LookupError):
        publishing(client)(sqs(sqs_record("1", "bad")), None)
    with pytest.raises(ExceptionGroup, match="every message of the batch failed"):
        publishing(client)(sqs(sqs_record("1", "bad"), sqs_record("2", "bad")), None)
    assert delivery.sent == []


def test_a_record_whose_events_are_not_delivered_fails(client, delivery):
    delivery.refuses = True
    with pytest.raises(DeliveryError):
        publishing(client)(sqs(sqs_record("1")), None)


def test_a_delivery_error_may_be_handed_to_the_service_so_that_no_work_is_repeated(client, delivery):
    delivery.refuses = True
    errors = []
    answer = publishing(client, on_delivery_error=errors.append)(sqs(sqs_record("1")), None)
    assert (answer, len(errors)) == ({"batchItemFailures": []}, 1)


def test_a_record_of_sns_is_handled_under_the_job_and_actor_of_its_attributes(client, delivery):
    publishing(client)(sns_event(attributes=CARRIED), None)
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


def test_a_message_that_sns_put_into_sqs_keeps_its_attributes(client, delivery):
    envelope = sns_event(attributes=CARRIED)["Records"][0]["Sns"]
    publishing(client)(sqs(sqs_record(body=json.dumps(envelope))), None)
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


@pytest.mark.parametrize("name", ["x-britecore-job-id", "X-BriteCore-Job-Id"])
def test_attributes_go_before_the_payload_in_any_spelling(client, delivery, name):
    record = sqs_record(body=json.dumps({name: "job-2"}), attributes=CARRIED)
    publishing(client, payload=lambda body: body)(sqs(record), None)
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


def enveloped(message="{}"):
    return sns_event(message, attributes=CARRIED)["Records"][0]["Sns"]


@pytest.mark.parametrize("own", ["x-britecore-job-id", "X-BriteCore-Actor-Type", "traceparent", "baggage"])
def test_a_body_like_an_envelope_is_data_where_the_message_has_attributes_of_ours(client, delivery, own):
    """Our own service has sent it as it is; what it holds, anybody may have written."""
    record = sqs_record(body=json.dumps(enveloped()), attributes={own: "job-2"})
    publishing(client)(sqs(record), None)
    assert delivery.actors == [SERVICE]
    assert delivery.jobs != ["job-1"]


@pytest.mark.parametrize(
    ("topics", "actor"),
    [(None, USER), ([enveloped()["TopicArn"]], USER), (["arn:aws:sns:eu-west-1:1:other"], SERVICE), ((), SERVICE)],
    ids=["any", "this", "another", "none"],
)
def test_envelopes_are_expected_of_the_topics_that_are_named(client, delivery, topics, actor):
    publishing(client, sns_topics=topics)(sqs(sqs_record(body=json.dumps(enveloped()))), None)
    assert delivery.actors == [actor]


@pytest.mark.parametrize("missing", ["MessageId", "TopicArn", "Message", "Timestamp", "Type"])
def test_a_body_that_lacks_what_sns_writes_is_no_envelope(client, delivery, missing):
    body = {name: value for name, value in enveloped().items() if name != missing}
    publishing(client)(sqs(sqs_record(body=json.dumps(body))), None)
    assert delivery.actors == [SERVICE]


def test_a_text_for_topics_is_refused(client):
    with pytest.raises(ConfigurationError, match="sns_topics"):
        publishing(client, sns_topics="arn:aws:sns:eu-west-1:1:claims")


@pytest.mark.parametrize("kind", ["Binary", "String.Array"])
def test_an_attribute_that_is_no_single_text_is_left_out(client, delivery, kind):
    """A binary one is base64 here, and an array is a list of values."""
    event = sns_event(attributes=CARRIED)
    for attribute in event["Records"][0]["Sns"]["MessageAttributes"].values():
        attribute["Type"] = kind
    publishing(client)(event, None)
    assert (delivery.actors, delivery.jobs == ["job-1"]) == ([SERVICE], False)


@pytest.mark.parametrize("body", [{"order": 7}, [1], "text", 7, {"meta": None}, {"meta": "text"}])
def test_a_message_without_what_payload_looks_for_carries_nothing(client, delivery, body):
    handler = publishing(client, payload=lambda body: body["meta"])
    assert handler(sqs(sqs_record(body=json.dumps(body))), None) == {"batchItemFailures": []}
    assert delivery.actors == [SERVICE]


def test_a_failed_record_without_an_id_fails_the_batch(client, delivery):
    """It could not be reported, and would be taken for a success."""
    records = [sqs_record("1", "good"), sqs_record("2", "bad") | {"messageId": None}]
    with pytest.raises(LookupError):
        publishing(client)(sqs(*records), None)


def test_an_event_of_event_bridge_is_handled_under_the_job_and_actor_in_its_detail(client, delivery):
    assert publishing(client)(event_bridge_event(claim=1, **CARRIED), None) == "done"
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


def test_a_payload_is_not_looked_at_unless_the_service_says_so(client, delivery):
    """The content of a queue's messages may come from anybody; their attributes do not."""
    publishing(client)(sqs(sqs_record(body=json.dumps(CARRIED))), None)
    assert delivery.actors == [SERVICE]


@pytest.mark.parametrize(
    "event",
    [sqs(sqs_record(body=json.dumps({"meta": CARRIED}))), sns_event(json.dumps({"meta": CARRIED}))],
    ids=["sqs", "sns"],
)
def test_a_payload_may_say_the_job_and_actor(client, delivery, event):
    publishing(client, payload=lambda body: body.get("meta"))(event, None)
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


@pytest.mark.parametrize("body", ["not json", "[]", '"text"', '{"meta": 1}', '{"meta": {"x-britecore-job-id": 1}}'])
def test_a_payload_without_a_job_begins_one(client, delivery, body):
    publishing(client, payload=lambda body: body.get("meta") if isinstance(body, dict) else None)(
        sqs(sqs_record(body=body)), None
    )
    assert delivery.actors == [SERVICE]


def test_the_names_of_the_attributes_are_the_services_own(client, delivery):
    border = Border(job_id="job", actor_id="who", actor_type="kind")
    attributes = {"job": "job-2", "who": "OtherService", "kind": "third-party"}
    publishing(client, border=border)(sqs(sqs_record(attributes=attributes)), None)
    assert (delivery.jobs, delivery.actors) == (["job-2"], [("OtherService", "third-party")])


def test_an_actor_is_not_believed_where_the_border_says_so(client, delivery):
    publishing(client, border=HTTP)(sqs(sqs_record(attributes=CARRIED)), None)
    assert (delivery.jobs, delivery.actors) == (["job-1"], [SERVICE])


@pytest.mark.parametrize(
    "event", [{}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, {"httpMethod": "GET"}]
)
def test_another_event_is_refused_with_what_to_do(client, event):
    with pytest.raises(ConfigurationError, match=r"for others events\.session\(\)"):
        publishing(client)(event, None)


@pytest.fixture
def amazon(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


def received(sqs_client, url):
    """The event that Lambda's poller makes of the messages in a queue."""
    messages = sqs_client.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
    return sqs(
        *(
            sqs_record(
                message["MessageId"],
                message["Body"],
                {name: one["StringValue"] for name, one in message.get("MessageAttributes", {}).items()},
            )
            for message in messages["Messages"]
        )
    )


def test_what_is_sent_to_sqs_carries_job_and_actor(amazon, client, delivery):
    queues = boto3.client("sqs")
    url = queues.create_queue(QueueName="claims")["QueueUrl"]
    with events.user_context("user-one", "job-1", client=client):
        queues.send_message(QueueUrl=url, MessageBody="sent", MessageAttributes=aws.inject({}))
    publishing(client)(received(queues, url), None)
    assert (delivery.data, delivery.jobs, delivery.actors) == ([{"body": "sent"}], ["job-1"], [USER])


@pytest.mark.parametrize("raw", ["true", "false"])
def test_what_is_published_to_sns_carries_job_and_actor_through_its_queues(amazon, client, delivery, raw):
    topics, queues = boto3.client("sns"), boto3.client("sqs")
    topic = topics.create_topic(Name="claims")["TopicArn"]
    url = queues.create_queue(QueueName="claims")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": raw})
    with events.user_context("user-one", "job-1", client=client):
        topics.publish(TopicArn=topic, Message="sent", MessageAttributes=aws.inject({}))
    publishing(client)(received(queues, url), None)
    assert (delivery.jobs, delivery.actors) == (["job-1"], [USER])


def test_inject_leaves_what_is_there(client):
    own = {"x-britecore-job-id": {"DataType": "String", "StringValue": "job-2"}}
    with events.session("job-1", client=client):
        assert aws.inject(dict(own))["x-britecore-job-id"] == own["x-britecore-job-id"]


def test_inject_adds_no_more_than_six_attributes(client):
    """SQS delivers ten at most."""
    with events.user_context("user-one", "job-1", client=client):
        assert sorted(aws.inject({})) == ["baggage", *sorted(CARRIED)]
