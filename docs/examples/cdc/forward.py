"""Brings the events from Kafka to the Events API."""

import os
import signal

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from bc_events import EventClient
from bc_events.outbox import DeadRecord, StreamRecord, StreamRelay

MOST_WAITING = 5_000
stopping = []


def forward(consumer: Consumer, relay: StreamRelay) -> None:
    while not stopping:
        messages = consumer.consume(500, timeout=0.5)
        positions = relay.handle([record_of(message) for message in messages if message.error() is None])
        commit(consumer, [TopicPartition(topic, number, offset) for (topic, number), offset in positions.items()])
        is_behind = relay.waiting > MOST_WAITING  # the API is away, and has been for a while
        (consumer.pause if is_behind else consumer.resume)(consumer.assignment())


def record_of(message: Message) -> StreamRecord:
    return StreamRecord(
        key=message.key(),
        payload=message.value(),
        headers=message.headers() or [],
        partition=(message.topic(), message.partition()),
        offset=message.offset(),
    )


def commit(consumer: Consumer, positions: list[TopicPartition]) -> None:
    try:
        if positions:
            consumer.commit(offsets=positions, asynchronous=False)
    except KafkaException as error:  # another consumer has the partition now; what it reads again is one event
        print(f"not committed: {error}")


def bury(producer: Producer, dead: DeadRecord) -> None:
    """Keeps an event that the API will never take. Raises where Kafka does not take it either."""
    record = dead.record
    headers = [*dict(record.headers).items(), ("reason", dead.reason)]
    producer.produce("events.dead", key=record.key, value=record.payload, headers=headers)
    if producer.flush(10):
        raise TimeoutError("Kafka is away")


def main() -> None:
    kafka = {"bootstrap.servers": os.environ["KAFKA"]}
    consumer = Consumer(
        {
            **kafka,
            "group.id": "events-api",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,  # then the others have the partitions of a consumer that was killed
        }
    )
    consumer.subscribe(["events"])
    producer = Producer({**kafka, "enable.idempotence": True})
    client = EventClient(os.environ["BC_EVENTS_API_URL"], "events-api", {"DefaultCategory": "none", "Topics": []})
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    with StreamRelay(client, on_dead=lambda dead: bury(producer, dead), workers=8) as relay:
        forward(consumer, relay)
    consumer.close()


if __name__ == "__main__":
    main()
