"""Events as AWS hands them to Lambda functions, shortened to the parts that a function may read."""

ARN = "arn:aws:sqs:eu-west-1:123456789012"


def sqs_record(message_id="059f36b4-87a3", body="{}", attributes=None, queue="claims"):
    return {
        "messageId": message_id,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {
            name: {
                "stringValue": value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
            for name, value in (attributes or {}).items()
        },
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"{ARN}:{queue}",
        "awsRegion": "eu-west-1",
    }


def sns_event(message="{}", attributes=None):
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": "arn:aws:sns:eu-west-1:123456789012:claims:21be56ed-a058",
                "EventSource": "aws:sns",
                "Sns": {
                    "SignatureVersion": "1",
                    "Timestamp": "2026-01-02T12:45:07.000Z",
                    "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
                    "Message": message,
                    "MessageAttributes": {
                        name: {"Type": "String", "Value": value} for name, value in (attributes or {}).items()
                    },
                    "Type": "Notification",
                    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:claims",
                    "Subject": None,
                },
            }
        ]
    }


def event_bridge_event(**detail):
    return {
        "version": "0",
        "id": "fe8d3c65-xmpl-c5c3-2c87-81584709a377",
        "detail-type": "Claim Opened",
        "source": "britecore.claims",
        "account": "123456789012",
        "time": "2026-01-02T10:51:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
    }


def rest_api_event(*, authorizer=None, headers=None):
    """API Gateway, REST API with proxy integration (payload format 1.0)."""
    headers = headers or {}
    return {
        "resource": "/claims",
        "path": "/claims",
        "httpMethod": "POST",
        "headers": headers or None,
        "multiValueHeaders": {name: [value] for name, value in headers.items()} or None,
        "queryStringParameters": None,
        "pathParameters": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "1234567890",
            "authorizer": authorizer,
            "httpMethod": "POST",
            "identity": {"sourceIp": "192.0.2.1"},
            "stage": "prod",
        },
        "body": "{}",
        "isBase64Encoded": False,
    }


def http_api_event(*, authorizer=None, headers=None):
    """API Gateway, HTTP API (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "POST /claims",
        "rawPath": "/claims",
        "rawQueryString": "",
        "headers": headers or {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "http": {"method": "POST", "path": "/claims", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "id",
            "stage": "$default",
        }
        | ({"authorizer": authorizer} if authorizer else {}),
        "body": "{}",
        "isBase64Encoded": False,
    }


def alb_event(*, headers=None, several=None):
    """An application load balancer, with one value a header or several."""
    target = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/lambda-279XGJDqGZ5rsrHC2Fjr/49e9d65c45c6"
    found = {"multiValueHeaders": several} if several else {"headers": headers or {}}
    return {
        "requestContext": {"elb": {"targetGroupArn": target}},
        "httpMethod": "POST",
        "path": "/claims",
        "queryStringParameters": {},
        "body": "{}",
        "isBase64Encoded": False,
    } | found
