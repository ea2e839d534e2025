"""One session for each request that API Gateway or a load balancer hands to a Lambda function."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal

from bc_events.constants import ACTOR_TYPE_USER, LOGGER_NAME
from bc_events.errors import ConfigurationError, InvalidActorError
from bc_events.event import Actor
from bc_events.integrations.edge import Edge, FailedResponseError, OnDeliveryError
from bc_events.integrations.status import is_success
from bc_events.propagation import HTTP, Border, case_insensitive_getter, extract

from .function import check_callable_by_lambda

if TYPE_CHECKING:
    from bc_events.client import EventClient

RequestHandler = Callable[[Any, Any], Any]
UserSource = Literal["authorizer", "x-amzn-oidc-identity"]
_OIDC: Final = "x-amzn-oidc-identity"
_OK: Final = 200
_logger = logging.getLogger(LOGGER_NAME)


def request(
    *,
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
    if user not in (None, "authorizer", _OIDC):
        raise ConfigurationError(f'user is {user!r}; give "authorizer", "{_OIDC}", or None for the service')
    edge = Edge(client=client, border=border, on_delivery_error=on_delivery_error)

    def decorate(function: RequestHandler) -> RequestHandler:
        check_callable_by_lambda(function)

        @wraps(function)
        def handler(event: Mapping[str, Any], context: Any) -> Any:
            headers = _headers(event)
            work = edge.open(extract(headers, border), actor=_user(event, headers, user))
            try:
                response = function(event, context)
                status = _status(response)
            except BaseException as error:
                work.close(error)
                raise
            work.close(None if success(status) else FailedResponseError(status))
            return response

        return handler

    return decorate


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Load balancers and REST APIs may have several values; two job ids are then none."""
    several = event.get("multiValueHeaders")
    if several:
        return {name: ", ".join(values) for name, values in several.items()}
    return dict(event.get("headers") or {})


def _status(response: Any) -> int:
    """An HTTP API makes a 200 of whatever has no status."""
    return int(response.get("statusCode", _OK)) if isinstance(response, Mapping) else _OK


def _user(event: Mapping[str, Any], headers: Mapping[str, str], source: UserSource | None) -> Actor | None:
    if source is None:
        return None
    found = _of_authorizer(event) if source == "authorizer" else _of_load_balancer(event, headers)
    try:
        return None if found is None else Actor(found, ACTOR_TYPE_USER)
    except InvalidActorError:
        _logger.warning("a user from outside was not usable; the service acts instead", extra={"bc_source": source})
        return None


def _of_authorizer(event: Mapping[str, Any]) -> str | None:
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    places = (
        authorizer.get("claims"),  # REST API with a Cognito user pool
        (authorizer.get("jwt") or {}).get("claims"),  # HTTP API with a JWT authorizer
        authorizer.get("lambda"),  # HTTP API with a Lambda authorizer
        authorizer,  # REST API with a Lambda authorizer
    )
    return next((place["sub"] for place in places if isinstance(place, Mapping) and place.get("sub")), None)


def _of_load_balancer(event: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    if "elb" not in (event.get("requestContext") or {}):
        return None
    found = case_insensitive_getter.get(headers, _OIDC)
    return found[0] if found else None
