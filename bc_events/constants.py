"""The words the Events API itself uses: actor types, header names, limits."""

from typing import Final, Literal

ActorType = Literal["user", "service", "third-party"]
ACTOR_TYPE_USER: Final = "user"
ACTOR_TYPE_SERVICE: Final = "service"
ACTOR_TYPE_THIRD_PARTY: Final = "third-party"
ACTOR_TYPES: Final[frozenset[str]] = frozenset({ACTOR_TYPE_USER, ACTOR_TYPE_SERVICE, ACTOR_TYPE_THIRD_PARTY})
ACTOR_ID_MIN_LENGTH: Final = 5

JOB_ID_HEADER: Final = "x-britecore-job-id"
ACTOR_ID_HEADER: Final = "x-britecore-actor-id"
ACTOR_TYPE_HEADER: Final = "x-britecore-actor-type"
JOB_ID_MAX_LENGTH: Final = 255
BAGGAGE_KEY: Final = "bc-job-id"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"

EVENTS_PATH: Final = "/events"
BULK_PATH: Final = "/events/bulk/"
REPORTS_PATH: Final = "/api/reports"
REPORTS_SERVER: Final = "bc-events local Events API"
"""A local Events API says at this path that it is one, and takes reports of what is not sent."""
MAX_REQUEST_EVENTS: Final = 250
MAX_REQUEST_BYTES: Final = 10_000_000

LOGGER_NAME: Final = "bc.events"
LOG_ONLY: Final = "log:"
"""The `api_url` of a client without an API: it logs events."""

# Names that `bc_events.events` and a session have: a topic whose magic name is one of them could not be called.
RESERVED_NAMES: Final = frozenset(
    {
        *("session", "user_context", "service_context", "third_party_context", "configure", "override", "publish"),
        *(
            "current_session",
            "current_job_id",
            "flush",
            "rollback",
            "aflush",
            "resend",
            "default_client",
            "propagate",
            "detached",
        ),
        *("actor", "actor_id", "actor_type", "job_id", "events", "client", "publish_immediately", "is_closed"),
        *("checked_client", "live_unit", "magic_calls"),  # names that the module imports
    }
)
