"""One session for each request that API Gateway or a load balancer hands to a Lambda function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, Never

from bc_events._runtime import argument_checks as check, keywords
from bc_events._runtime.carrier import case_insensitive_getter, only_value
from bc_events.constants import ACTOR_TYPE_USER
from bc_events.errors import ConfigurationError
from bc_events.integrations._arguments import checked_success
from bc_events.integrations._failed_response import FailedResponseError
from bc_events.integrations._integration import Integration
from bc_events.integrations._status import is_success
from bc_events.propagation import HTTP, Border, usable_actor

from .function import check_callable_by_lambda, refuse_bare
from .shape import folded, mapping, sequence, text

if TYPE_CHECKING:
    from bc_events.client import EventClient
    from bc_events.event import Actor
    from bc_events.integrations._on_delivery_error import OnDeliveryError

RequestHandler = Callable[[Any, Any], Any]
Headers = Sequence[tuple[str, Any]]
UserSource = Literal["authorizer", "x-amzn-oidc-identity"]
_OIDC: Final = "x-amzn-oidc-identity"
_MESSAGES: Final = ("aws:sqs", "aws:sns")
_OK: Final = 200
_BAD_GATEWAY: Final = 502


@keywords.checked
def request(
    *bare: Never,
    user: UserSource | None = None,
    client: EventClient | None = None,
    success: Callable[[int], bool] = is_success,
    border: Border = HTTP,
    on_delivery_error: OnDeliveryError = "raise",
) -> Callable[[RequestHandler], RequestHandler]:
    """A decorator for Lambda handlers of requests from API Gateway (REST, HTTP) and application load balancers.

    The session is flushed before the response is returned, and rolled back where its status is one of failure.

    Args:
        user: who acts. "authorizer" is the `sub` that API Gateway's authorizer found (`claims`, `jwt.claims`, `lambda`
            or the authorizer's own context); "x-amzn-oidc-identity" is the load balancer's header, to be believed
            only where every rule to this function authenticates. By default, and where there is none, the service.
        client: by default the process's.
        success: judges a response by its status: by default below 400.
        border: which headers carry the job and, where they are trusted, the actor; by default only the job.
        on_delivery_error: "raise", "log", or a callable.
    """
    refuse_bare("request", bare)
    checked_success(success)
    if user is not None and not isinstance(user, str):
        raise check.wrong("user", user, f'"authorizer", "{_OIDC}", or None for the service')
    if user not in (None, "authorizer", _OIDC):
        raise ConfigurationError(f'user is {user!r}; give "authorizer", "{_OIDC}", or None for the service')
    integration = Integration(client=client, border=border, on_delivery_error=on_delivery_error)

    def decorate(function: RequestHandler) -> RequestHandler:
        check_callable_by_lambda(function)

        @wraps(function)
        def handler(event: Any, context: Any) -> Any:
            _refuse_records(event)
            headers = _headers(event)
            scope = integration.open(integration.extract(headers), actor=_user(event, headers, user))
            try:
                response = function(event, context)
                status = _status(response)
                failure = None if success(status) else FailedResponseError(status)
            except BaseException as error:
                scope.close(error)
                raise
            scope.close(failure)
            return response

        return handler

    return decorate


def _refuse_records(event: object) -> None:
    """Raises `ConfigurationError` for messages: each has a job of its own, which would be lost."""
    records = sequence(mapping(event).get("Records"))
    if any(mapping(one).get("eventSource", mapping(one).get("EventSource")) in _MESSAGES for one in records[:1]):
        raise ConfigurationError(
            "this Lambda event has records of SQS or SNS, and request takes requests of API Gateway and load "
            "balancers; use each_record"
        )


def _headers(event: object) -> Headers:
    """Load balancers and REST APIs may have several values of a name. REST APIs repeat one of them in `headers`."""
    found = mapping(event)
    several = list(mapping(found.get("multiValueHeaders")).items())
    present = {(folded(name), text(value)) for name, values in several for value in sequence(values) or (values,)}
    single = mapping(found.get("headers")).items()
    return [*several, *((name, value) for name, value in single if (folded(name), text(value)) not in present)]


def _status(response: Any) -> int:
    """The status of a response.

    Without one, an HTTP API answers 200. A status that is no number becomes a 500 or 502.
    """
    status = response.get("statusCode", _OK) if isinstance(response, Mapping) else _OK
    try:
        return int(status)
    except (TypeError, ValueError, OverflowError):
        return _BAD_GATEWAY


def _user(event: object, headers: Headers, source: UserSource | None) -> Actor | None:
    if source is None:
        return None
    context = mapping(mapping(event).get("requestContext"))
    found = _of_authorizer(context) if source == "authorizer" else _of_load_balancer(context, headers)
    return None if found is None else usable_actor(found, ACTOR_TYPE_USER, source)


def _of_authorizer(context: Mapping[str, Any]) -> object:
    authorizer = mapping(context.get("authorizer"))
    places = (
        authorizer.get("claims"),  # REST API with a Cognito user pool
        mapping(authorizer.get("jwt")).get("claims"),  # HTTP API with a JWT authorizer
        authorizer.get("lambda"),  # HTTP API with a Lambda authorizer
        authorizer,  # REST API with a Lambda authorizer
    )
    found = [mapping(place).get("sub") for place in places]
    return next((sub for sub in found if text(sub)), None) or next((sub for sub in found if sub), None)


def _of_load_balancer(context: Mapping[str, Any], headers: Headers) -> str | None:
    return only_value(headers, _OIDC, case_insensitive_getter) if "elb" in context else None
