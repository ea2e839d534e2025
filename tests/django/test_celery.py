"""Celery tasks that a view enqueues with `delay_on_commit`: they go out with its transaction, job and actor."""

from __future__ import annotations

import celery
import pytest
from celery.contrib.django.task import DjangoTask
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpResponse

from bc_events.integrations.celery import install

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("atomic_requests")]


@pytest.fixture
def app():
    app = celery.Celery("service", broker="memory://", task_cls=DjangoTask, set_as_current=False)
    install(app)
    yield app
    app.close()


@pytest.fixture
def renew(app):
    @app.task(name="renew", shared=False)
    def renew():
        """Never runs: it is only enqueued."""

    return renew


@pytest.fixture
def enqueued(app):
    """The headers of the messages that wait in the queue."""

    def enqueued():
        with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
            messages = [queue.get_nowait() for _ in range(queue.qsize())]
            for message in messages:
                message.ack()
            return [message.headers for message in messages]

    return enqueued


def test_a_task_goes_out_when_the_transaction_commits_with_the_request_s_job_and_user(client, serve, renew, enqueued):
    def view(request):
        renew.delay_on_commit()
        assert enqueued() == []
        return HttpResponse()

    serve(view)
    client.force_login(get_user_model().objects.create_user(username="cognito-id-of-ann"))
    client.get("/", headers={"x-britecore-job-id": "job-1"})
    [headers] = enqueued()
    assert headers["x-britecore-job-id"] == "job-1"
    assert headers["x-britecore-actor-id"] == "cognito-id-of-ann"


def test_a_task_of_a_transaction_that_rolls_back_never_goes_out(client, serve, renew, enqueued):
    def view(request):
        renew.delay_on_commit()
        transaction.set_rollback(True)
        return HttpResponse()

    serve(view)
    client.get("/")
    assert enqueued() == []
