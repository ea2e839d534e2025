"""The libraries, each set up by its documented API. Nothing here sends anything anywhere."""

from collections.abc import Callable
from dataclasses import dataclass

from .peer import Peer


@dataclass(frozen=True, slots=True)
class Library:
    """`distribution` is installed, `module` is imported once, and `api` names the part of it that is probed."""

    distribution: str
    module: str
    api: str
    peer: Callable[[], Peer]


def _bc_events():
    from bc_events import EventsError, events
    from tests.ambient.recording import Recording, recording_client, say

    recording = Recording()
    events.configure(recording_client(recording))

    def current():
        try:
            return events.current_session()
        except EventsError:
            return None

    return Peer(
        decorator=events.session(),
        block=events.session,
        current=current,
        work=lambda: say(1),
        has_failed=lambda event: event not in recording.events,
    )


def _opentelemetry():
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("probe")

    return Peer(
        decorator=tracer.start_as_current_span("probe"),
        block=lambda: tracer.start_as_current_span("probe"),
        current=trace.get_current_span,
        work=trace.get_current_span,
        has_failed=_has_error_status,
    )


def _has_error_status(span):
    from opentelemetry.trace import StatusCode

    return span.status.status_code is StatusCode.ERROR


def _logfire():
    import logfire
    from opentelemetry import trace

    logfire.configure(send_to_logfire=False, console=False, metrics=False)
    return Peer(
        decorator=logfire.instrument("probe", allow_generator=True),
        block=lambda: logfire.span("probe"),
        current=trace.get_current_span,
        work=trace.get_current_span,
        has_failed=_has_error_status,
    )


def _sentry():
    import sentry_sdk
    from sentry_sdk.integrations.asyncio import enable_asyncio_integration

    sentry_sdk.init(traces_sample_rate=1.0, auto_enabling_integrations=False)  # without a DSN it sends nothing
    sentry_sdk.start_transaction(name="probe").__enter__()  # `trace` makes children, so there is a parent
    return Peer(
        decorator=sentry_sdk.trace,
        block=lambda: sentry_sdk.start_span(name="probe"),
        current=sentry_sdk.get_current_span,
        work=sentry_sdk.get_current_span,
        has_failed=lambda span: span.status not in (None, "ok"),
        on_loop=lambda: enable_asyncio_integration(task_spans=False),
    )


def _structlog():
    from structlog.contextvars import bound_contextvars, get_contextvars

    return Peer(
        decorator=bound_contextvars(probe="decorated"),
        block=lambda: bound_contextvars(probe=object()),
        current=lambda: get_contextvars().get("probe"),
        work=get_contextvars,
    )


def _posthog():
    import posthog
    from posthog.contexts import _get_current_context  # only read: no public call tells one context from another

    captured = []

    def keep(message):
        captured.append(message)  # it returns None, so the message is not sent

    client = posthog.Posthog("probe", host="http://127.0.0.1:9", sync_mode=True, before_send=keep)
    return Peer(
        decorator=posthog.scoped(),
        block=lambda: posthog.new_context(capture_exceptions=True, client=client),
        current=_get_current_context,
        work=captured.clear,
        has_failed=lambda _: bool(captured),
    )


def _eliot():
    import eliot

    messages = []
    eliot.add_destinations(messages.append)

    def has_failed(action):
        ends = [message.get("action_status") for message in messages if message["task_uuid"] == action.task_uuid]
        return "failed" in ends

    return Peer(
        decorator=eliot.log_call(include_args=[], include_result=False),
        block=lambda: eliot.start_action(action_type="probe"),
        current=eliot.current_action,
        work=eliot.current_action,
        has_failed=has_failed,
    )


def _django():
    from django.conf import settings

    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("create table note (id integer primary key)")

    def insert():
        with connection.cursor() as cursor:
            cursor.execute("insert into note default values")
            return cursor.lastrowid

    def is_missing(note):
        with connection.cursor() as cursor:
            cursor.execute("select 1 from note where id = %s", [note])
            return cursor.fetchone() is None

    return Peer(
        decorator=transaction.atomic,
        block=transaction.atomic,
        current=lambda: 1 + len(connection.savepoint_ids) if connection.in_atomic_block else 0,
        work=insert,
        has_failed=is_missing,
        is_async=False,  # transactions do not work in async mode, say Django's documents
    )


LIBRARIES = {
    "bc_events": Library("bc_events", "bc_events._ambient.scope", "`events.session()`", _bc_events),
    "OpenTelemetry": Library(
        "opentelemetry-sdk", "opentelemetry.sdk.trace", "`tracer.start_as_current_span`", _opentelemetry
    ),
    "Sentry": Library("sentry-sdk", "sentry_sdk", "`start_span`, `trace`", _sentry),
    "structlog": Library("structlog", "structlog", "`contextvars.bound_contextvars`", _structlog),
    "PostHog": Library("posthog", "posthog", "`new_context`, `scoped`", _posthog),
    "Logfire": Library("logfire", "logfire", "`span`, `instrument`", _logfire),
    "Eliot": Library("eliot", "eliot", "`start_action`, `log_call`", _eliot),
    "Django": Library("Django", "django.db", "`transaction.atomic`", _django),
}
