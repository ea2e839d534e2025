"""Lambda functions of requests: API Gateway and application load balancers, by the shapes of their events."""

import pytest

from bc_events import ConfigurationError, DeliveryError, events
from bc_events.integrations import aws

from .aws_events import alb_event, http_api_event, rest_api_event

SERVICE = ("PolicyService", "service")
SUB = {"sub": "cognito-sub-1"}
COGNITO = ("cognito-sub-1", "user")
OIDC = {"x-amzn-oidc-identity": "cognito-sub-1"}
JOB = {"x-britecore-job-id": "job-1"}
ANY = [rest_api_event, http_api_event, alb_event]


def answering(client, response=None, **settings):
    @aws.request(client=client, **settings)
    def handler(event, context):
        events.created_test({"id": 1})
        if isinstance(response, Exception):
            raise response
        return response or {"statusCode": 200}

    return handler


@pytest.mark.parametrize("make", ANY)
def test_a_request_is_handled_under_the_job_of_its_header(client, delivery, make):
    assert answering(client)(make(headers={"X-BriteCore-Job-Id": "job-1"}), None) == {"statusCode": 200}
    assert (delivery.jobs, delivery.actors) == (["job-1"], [SERVICE])


def test_a_load_balancer_may_give_several_values(client, delivery):
    answering(client)(alb_event(several={"x-britecore-job-id": ["job-1"]}), None)
    answering(client)(alb_event(several={"x-britecore-job-id": ["job-1", "job-2"]}), None)
    assert delivery.jobs[0] == "job-1"
    assert delivery.jobs[1] not in ("job-1", "job-2")


@pytest.mark.parametrize(
    ("single", "several", "job"),
    [
        ({"X-Job": "other", **JOB}, {"X-BriteCore-Job-Id": ["job-1"]}, "job-1"),
        (JOB, {"other": ["a"]}, "job-1"),
        (JOB, {"x-britecore-job-id": "job-1"}, "job-1"),
        (JOB, {"x-britecore-job-id": ["job-2"]}, None),
        ({**JOB, "X-BriteCore-Job-Id": "job-1"}, None, None),
    ],
)
def test_a_job_in_both_places_of_headers_is_one_where_they_agree(client, delivery, single, several, job):
    """API Gateway repeats in `headers` one of the values of `multiValueHeaders`."""
    answering(client)(rest_api_event() | {"headers": single, "multiValueHeaders": several}, None)
    [found] = delivery.jobs
    assert found == job if job else found not in ("job-1", "job-2")


@pytest.mark.parametrize(
    "event",
    [
        rest_api_event(authorizer={"claims": SUB}),
        rest_api_event(authorizer={"principalId": "user", **SUB}),
        http_api_event(authorizer={"jwt": {"claims": SUB, "scopes": None}}),
        http_api_event(authorizer={"lambda": SUB}),
    ],
    ids=["cognito", "rest-lambda", "jwt", "http-lambda"],
)
def test_the_authorizers_user_acts_where_that_is_switched_on(client, delivery, event):
    answering(client, user="authorizer")(event, None)
    answering(client)(event, None)
    answering(client, user="x-amzn-oidc-identity")(event, None)
    assert delivery.actors == [COGNITO, SERVICE, SERVICE]


def test_the_load_balancers_user_acts_where_that_is_switched_on(client, delivery):
    event = alb_event(headers=OIDC)
    answering(client, user="x-amzn-oidc-identity")(event, None)
    answering(client)(event, None)
    answering(client, user="authorizer")(event, None)
    assert delivery.actors == [COGNITO, SERVICE, SERVICE]


def test_the_load_balancers_header_is_not_believed_from_anybody_else(client, delivery):
    answering(client, user="x-amzn-oidc-identity")(http_api_event(headers=OIDC), None)
    assert delivery.actors == [SERVICE]


@pytest.mark.parametrize("authorizer", [None, {}, {"claims": None}, {"claims": {}}, {"claims": "{}"}, {"lambda": None}])
def test_an_anonymous_user_is_the_service(client, delivery, authorizer):
    answering(client, user="authorizer")(rest_api_event(authorizer=authorizer), None)
    assert delivery.actors == [SERVICE]


@pytest.mark.parametrize("sub", ["abc", 12345])
def test_a_user_that_cannot_act_is_the_service(client, delivery, sub):
    answering(client, user="authorizer")(rest_api_event(authorizer={"claims": {"sub": sub}}), None)
    assert delivery.actors == [SERVICE]


def test_another_source_of_users_is_refused(client):
    with pytest.raises(ConfigurationError, match='give "authorizer"'):
        aws.request(client=client, user="cognito")


@pytest.mark.parametrize("decorator", [aws.request(), aws.each_record()])
def test_an_async_function_is_refused(decorator):
    """Lambda would take its coroutine for the answer, and no work would ever be done."""

    async def handler(event, context):
        """It never runs."""

    with pytest.raises(TypeError, match=r"handler is async, and Lambda awaits nothing; make it a plain function"):
        decorator(handler)


def test_an_exception_rolls_back(client, delivery):
    with pytest.raises(LookupError):
        answering(client, LookupError())(rest_api_event(), None)
    assert delivery.sent == []


@pytest.mark.parametrize("status", [400, 500, "404"])
def test_a_status_of_failure_rolls_back(client, delivery, status):
    answering(client, {"statusCode": status})(rest_api_event(), None)
    assert delivery.sent == []


def test_a_response_without_a_status_is_a_success(client, delivery):
    """An HTTP API makes a 200 of it."""
    answering(client, "text")(http_api_event(), None)
    assert delivery.data == [{"id": 1}]


def test_the_service_may_say_what_success_is(client, delivery):
    answering(client, {"statusCode": 409}, success=lambda status: status == 409)(rest_api_event(), None)
    assert delivery.data == [{"id": 1}]


def test_events_are_sent_before_the_response_is_returned(client, delivery):
    """Afterwards Lambda freezes the process, and what runs in the background with it."""
    delivery.refuses = True
    with pytest.raises(DeliveryError):
        answering(client)(rest_api_event(headers=JOB), None)


def test_a_delivery_error_may_be_handed_to_the_service(client, delivery):
    delivery.refuses = True
    errors = []
    assert answering(client, on_delivery_error=errors.append)(rest_api_event(), None) == {"statusCode": 200}
    assert len(errors) == 1


@pytest.mark.parametrize("record", [{"eventSource": "aws:sqs", "body": "{}"}, {"EventSource": "aws:sns", "Sns": {}}])
def test_messages_are_refused_with_the_decorator_that_takes_them(client, record):
    """Each has a job of its own, which would be lost."""

    @aws.request(client=client)
    def handler(event, context):
        raise AssertionError("it was called")

    with pytest.raises(ConfigurationError, match="use each_record"):
        handler({"Records": [record]}, None)
