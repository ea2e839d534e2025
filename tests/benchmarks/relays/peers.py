"""The same delivery by procrastinate and by django-outbox-pattern: each of their messages is one request, ready-made.

That favours them: neither puts events into requests, nor validates a row, nor reads the answer about each record.
"""

from __future__ import annotations

import json
from typing import Any

import requests

from .processes import seconds_of
from .workload import Workload

NAMES = ("procrastinate", "django-outbox-pattern")


def seconds_of_procrastinate(database: str, url: str, count: int, work: Workload) -> float:
    """From the start of the workers until each has found nothing more to do."""
    made = [_as_text(*one) for one in work.requests()]
    with _app(database, url, is_async=False).open() as app:
        app.perform_import_paths()
        if not app.check_connection():
            app.schema_manager.apply_schema()
        app.tasks["post"].batch_defer(*made)
    return seconds_of(_procrastinate, [(database, url)] * count)


def seconds_of_django_outbox_pattern(database: str, url: str, count: int, work: Workload) -> float:
    """Until each publisher has found nothing more to publish."""
    made = [_as_text(*one) for one in work.requests()]
    seconds_of(_store_in_django, [(database, made)])
    return seconds_of(_publish_from_django, [(database, url)] * count)


def _as_text(path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return {"path": path, "body": body.decode(), "headers": headers}


def _app(database: str, url: str, *, is_async: bool) -> Any:
    import procrastinate

    connector = procrastinate.PsycopgConnector if is_async else procrastinate.SyncPsycopgConnector
    app = procrastinate.App(connector=connector(conninfo=database.replace("postgresql+psycopg:", "postgresql:")))
    http = requests.Session()

    @app.task(name="post")
    def post(path: str, body: str, headers: dict[str, str]) -> None:
        http.post(url + path, data=body.encode(), headers=headers).raise_for_status()

    return app


def _procrastinate(ready: Any, _over: Any, database: str, url: str) -> None:
    app = _app(database, url, is_async=True)
    ready.wait(60)
    app.run_worker(
        wait=False, concurrency=1, listen_notify=False, install_signal_handlers=False, delete_jobs="successful"
    )


def _django(database: str) -> None:
    import django
    from django.conf import settings
    from sqlalchemy import make_url

    place = make_url(database)
    settings.configure(
        INSTALLED_APPS=["django_outbox_pattern"],
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": place.database,
                "USER": place.username,
                "HOST": place.query["host"],
            }
        },
        DJANGO_OUTBOX_PATTERN={
            "DEFAULT_CONNECTION_CLASS": "tests.benchmarks.relays.peers.Connection",
            "DEFAULT_PRODUCER_WAITING_TIME": 0,
        },
    )
    django.setup()


def _store_in_django(ready: Any, _over: Any, database: str, made: list[dict[str, Any]]) -> None:
    _django(database)
    from django.core.management import call_command
    from django_outbox_pattern.models import Published

    ready.wait(60)
    call_command("migrate", verbosity=0)
    Published.objects.bulk_create(
        Published(destination=one["path"], body=json.loads(one["body"]), headers=one["headers"]) for one in made
    )


def _publish_from_django(ready: Any, _over: Any, database: str, url: str) -> None:
    _django(database)
    from django_outbox_pattern.choices import StatusChoice
    from django_outbox_pattern.factories import factory_producer
    from django_outbox_pattern.models import Published

    Connection.url = url
    producer = factory_producer()
    waiting = Published.objects.filter(status=StatusChoice.SCHEDULE)
    ready.wait(60)
    while waiting.exists():
        producer.publish_message_from_database()


class Connection:
    """Posts what would go to a broker."""

    url = ""

    def __init__(self, **_options: object) -> None:
        self._http = requests.Session()

    def set_listener(self, *_: object) -> None:
        """There is nothing to hear."""

    def connect(self, **_options: object) -> None:
        """Each request connects, or finds a connection."""

    def disconnect(self) -> None:
        """The connections stay open for the next messages."""

    def is_connected(self) -> bool:
        return True

    def send(self, *, body: str, destination: str, headers: dict[str, str]) -> None:
        self._http.post(self.url + destination, data=body.encode(), headers=headers).raise_for_status()
