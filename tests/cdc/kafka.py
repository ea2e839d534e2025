"""The consumer that the docs show, with a client library of Kafka, against the broker that librdkafka has for tests."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka import Producer

from bc_events.local import LocalEventsAPI

_ROOT = Path(__file__).parents[2]
EXAMPLE = _ROOT / "docs" / "examples" / "cdc" / "forward.py"
_PATIENCE = 150.0
"""Seconds. After a kill, the broker waits ten of them before others get the partitions; a busy machine needs more."""


def forwarded(records: list[dict], chance: random.Random, *, kills: int) -> list[tuple[str, str]]:
    """Job and key of each event that has reached an Events API. Two consumers share the topic; some are killed."""
    expected = len({record["payload"] for record in records})
    with ExitStack() as stack:
        api = stack.enter_context(LocalEventsAPI())
        api.faults(unavailable={"probability": 0.02, "retry_after": 0}, lost_answer={"probability": 0.02})
        producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 3})
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "BC_EVENTS_API_URL": api.url,
            "KAFKA": _address(producer),
        }

        def consumer() -> subprocess.Popen:
            process = subprocess.Popen(
                [sys.executable, str(EXAMPLE)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(_kill, process)
            return process

        consumers = [consumer(), consumer()]
        parts = kills + 1
        for part in range(parts):
            for record in records[part * len(records) // parts : (part + 1) * len(records) // parts]:
                headers = [(name, value) for name, value in record["headers"]]
                producer.produce("events", key=record["key"], value=record["payload"], headers=headers)
            producer.flush(10)
            if part < kills:
                before = len(api.events())
                _until(lambda least=before + 1: len(api.events()) >= least)
                place = chance.randrange(len(consumers))
                _kill(consumers[place])
                consumers[place] = consumer()
        _until(lambda: len(api.events()) >= expected)
        for process in consumers:
            process.terminate()
        ends = [process.wait(_PATIENCE) for process in consumers]
        assert ends == [0] * len(ends), f"the consumers ended with {ends}"
        return [(event.job_id, event.data["key"]) for event in api.events()]


def _address(producer: Producer) -> str:
    (broker,) = producer.list_topics("events", timeout=10).brokers.values()
    return f"{broker.host}:{broker.port}"


def _until(is_so) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the consumers of Kafka are not done after {_PATIENCE:g} s")
        time.sleep(0.05)


def _kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
