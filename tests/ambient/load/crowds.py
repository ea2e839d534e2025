"""Crowds: tasks and threads that all have their session open at the same time, and take turns at publishing."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager

from bc_events import EventClient, events
from bc_events.local import LocalEventsAPI
from tests.ambient.recording import TOPICS, Recording, recording_client, say

from .publisher import Publisher
from .reconciliation import Arrival, reconcile


async def _in_a_block(publisher, together):
    async with events.user_context(publisher.actor, publisher.job):
        await _publish(publisher, together)


async def _decorated(publisher, together):
    await events.user_context(publisher.actor, lambda publisher, _: publisher.job)(_publish)(publisher, together)


async def _in_a_generator(publisher, together):
    @events.user_context(publisher.actor, publisher.job)
    async def steps():
        await together.wait()
        for number in publisher.numbers:
            yield say(number)

    async for _ in steps():
        await asyncio.sleep(0)


async def _in_a_joined_task(publisher, together):
    async with events.user_context(publisher.actor, publisher.job), asyncio.TaskGroup() as group:
        group.create_task(_publish(publisher, together))


_WAYS = (_in_a_block, _decorated, _in_a_generator, _in_a_joined_task)


async def _publish(publisher, together):
    await together.wait()
    for number in publisher.numbers:
        say(number)
        await asyncio.sleep(0)


async def _tasks(publishers):
    together = asyncio.Barrier(len(publishers))
    async with asyncio.TaskGroup() as group:
        for turn, publisher in enumerate(publishers):
            group.create_task(_WAYS[turn % len(_WAYS)](publisher, together))


def _thread(publisher, together):
    with events.user_context(publisher.actor, publisher.job):
        together.wait()
        for number in publisher.numbers:
            say(number)


@contextmanager
def _threads_running(publishers):
    together = threading.Barrier(len(publishers))
    running = [threading.Thread(target=_thread, args=(publisher, together)) for publisher in publishers]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        for thread in running:
            thread.join()


@contextmanager
def switching_often():
    """Threads change turns as often as the interpreter allows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_memory(tasks, threads, count):
    """Tasks and threads at once, in one process and with one client."""
    publishers = [Publisher(index, count) for index in range(tasks + threads)]
    recording = Recording()
    with (
        recording_client(recording) as client,
        events.override(client),
        switching_often(),
        _threads_running(publishers[tasks:]),
    ):
        asyncio.run(_tasks(publishers[:tasks]))
    return reconcile(
        publishers,
        (Arrival(event.job_id, event.actor.id, event.data["n"], str(event.id)) for event in recording.events),
    )


def over_http(tasks, count):
    """The same tasks, each of whose sessions is sent to a local Events API."""
    publishers = [Publisher(index, count) for index in range(tasks)]
    with LocalEventsAPI(topics=TOPICS) as api, EventClient(api.url, "PolicyService", TOPICS) as client:
        with events.override(client):
            asyncio.run(_tasks(publishers))
        received = api.events()
    return reconcile(
        publishers, (Arrival(event.job_id, event.actor.id, event.data["n"], event.event_id) for event in received)
    )
