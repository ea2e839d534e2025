"""One job across real processes: FastAPI calls Django, which sends a Celery task, which publishes to SNS for a Lambda.

All of their events arrive at one Events API. SNS and SQS are moto's.
"""

from contextlib import ExitStack

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from bc_events.local import LocalEventsAPI

from .processes import listening, processes

TOPICS = """
DefaultCategory: insurance
Topics:
  - {Action: Accepted, Entity: Quote, Schema: {type: object}}
  - {Action: Created, Entity: Policy, Schema: {type: object}}
  - {Action: Sent, Entity: Bill, Schema: {type: object}}
  - {Action: Written, Entity: Letter, Schema: {type: object}}
"""
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
MODULES = "tests.integrations.journey"
TIMEOUT = 60


def make_topic_and_queue(url):
    """Where Lambda's messages come from."""
    topics, queues = (
        boto3.client(
            name,
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        for name in ("sns", "sqs")
    )
    topic = topics.create_topic(Name="bills")["TopicArn"]
    queue = queues.create_queue(QueueName="bills")["QueueUrl"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:bills")
    return {"AWS_URL": url, "BILLS_TOPIC": topic, "BILLS_QUEUE": queue}


@pytest.fixture
def company(tmp_path):
    """The Events API, and the URL of the first service."""
    (tmp_path / "topics.yaml").write_text(TOPICS)
    (tmp_path / "broker").mkdir()
    with ExitStack() as stack:
        api = stack.enter_context(LocalEventsAPI(topics=str(tmp_path / "topics.yaml")))
        amazon = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        amazon.start()
        stack.callback(amazon.stop)
        host, port = amazon.get_host_and_port()
        quotes, quotes_url = stack.enter_context(listening())
        policies, policies_url = stack.enter_context(listening())
        environment = {
            **CREDENTIALS,
            **make_topic_and_queue(f"http://{host}:{port}"),
            "BC_EVENTS_API_URL": api.url,
            "BC_EVENTS_TOPICS": str(tmp_path / "topics.yaml"),
            "BROKER_FOLDER": str(tmp_path / "broker"),
            "POLICIES_DB": str(tmp_path / "policies.sqlite3"),
            "POLICIES_URL": policies_url,
        }

        run = stack.enter_context(processes(tmp_path))
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        for name, listener, *command in (
            ("Quotes", quotes, "uvicorn", f"{MODULES}.quotes:app", "--fd", "{fd}"),
            ("Policies", policies, "gunicorn", f"{MODULES}.policies", "--bind", "fd://{fd}", "--no-control-socket"),
            ("Billing", None, "celery", "-A", f"{MODULES}.billing", "worker", "-P", "prefork", "-c", "2", *quiet),
            ("Letters", None, f"{MODULES}.letters"),
        ):
            run(name, *command, listener=listener, **environment, BC_EVENTS_SERVICE_NAME=f"{name}Service")
        yield api, quotes_url


def test_one_job_runs_through_all_services_and_ends_where_its_transaction_is_rolled_back(company):
    """The job that fails goes first, so that whatever it had wrongly set off would have overtaken the other."""
    api, url = company
    failed, kept = (
        requests.post(f"{url}/accept", params={"fails": fails}, timeout=TIMEOUT).json()["job"]
        for fails in (True, False)
    )
    api.wait(count=5, timeout=TIMEOUT)  # a letter may be on its way while the session of its bill is still ending
    found = {(event.job_id, event.topic, event.actor.id, event.actor.type) for event in api.events()}
    assert found == {
        (failed, "insurance.QuoteAccepted", "customer-1", "user"),
        (kept, "insurance.QuoteAccepted", "customer-1", "user"),
        (kept, "insurance.PolicyCreated", "agent-0002", "user"),
        (kept, "insurance.BillSent", "BillingService", "service"),
        (kept, "insurance.LetterWritten", "agent-0002", "user"),
    }
    assert len(api.events()) == len(found)
