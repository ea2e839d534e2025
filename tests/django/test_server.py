"""A real server, uvicorn, with many clients at once, some of which leave before the answer."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from django.core.asgi import get_asgi_application
from django.db import transaction
from django.http import HttpResponse
from django.urls import path

from bc_events import EventClient, events
from bc_events.local import LocalEventsAPI

from .policies.models import Policy
from .settings import BC_EVENTS

pytestmark = pytest.mark.django_db(transaction=True)

_REQUESTS = 60


def view(request, number):
    Policy.objects.create(holder=str(number))
    events.created_policy({"id": number})
    transaction.set_rollback(number % 5 == 0)
    return HttpResponse(events.current_job_id())


class Urlconf:
    urlpatterns = (path("<int:number>", view),)


@pytest.fixture
def api():
    with LocalEventsAPI() as api, events.override(EventClient(api.url, "PolicyService", BC_EVENTS["TOPICS"])):
        yield api


@pytest.fixture
def serving(settings):
    """Starts the service; gives its address, and a call that ends it once every request has."""
    settings.ROOT_URLCONF = Urlconf
    server = uvicorn.Server(uvicorn.Config(get_asgi_application(), log_level="critical", lifespan="off", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})

        def end():
            server.should_exit = True
            thread.join()

        thread.start()
        yield listener.getsockname(), end
        end()


def leave(address, number):
    """Sends a request, and closes the connection without waiting for the answer."""
    with socket.create_connection(address) as connection:
        head = f"GET /{number} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-britecore-job-id: job-{number}\r\n\r\n"
        connection.sendall(head.encode())


def ask(address, number):
    if number % 6 == 1:
        return leave(address, number)
    headers = {"x-britecore-job-id": f"job-{number}"}
    answer = httpx.get(f"http://127.0.0.1:{address[1]}/{number}", headers=headers, timeout=60)
    assert (answer.status_code, answer.text) == (200, f"job-{number}")
    return None


@pytest.mark.usefixtures("atomic_requests")
def test_every_committed_request_s_event_arrives_once_under_its_own_job(api, serving):
    address, end = serving
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: ask(address, number), range(_REQUESTS)))
    end()
    saved = {int(holder) for holder in Policy.objects.values_list("holder", flat=True)}
    assert saved >= {number for number in range(_REQUESTS) if number % 5 and number % 6 != 1}
    assert sorted(event.data["id"] for event in api.events(limit=1000)) == sorted(saved)
    assert all(event.job_id == f"job-{event.data['id']}" for event in api.events(limit=1000))
