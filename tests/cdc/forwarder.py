"""The process of a consumer: it reads the file of the topic from its last commit, and sends the events on.

`python -m tests.cdc.forwarder TOPIC_FILE COMMITTED_FILE API_URL`
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from tenacity import wait_fixed

from bc_events import EventClient
from bc_events.outbox import RelaySettings, StreamRecord, StreamRelay
from tests.cdc.producer import TOPICS
from tests.cdc.topic_file import read

_AT_ONCE = 200


def main() -> None:
    topic, committed, url = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    logging.disable(logging.CRITICAL)
    settings = RelaySettings(poll=(0.005, 0.05), retry=wait_fixed(0.05), pause=wait_fixed(0.05))
    client = EventClient(url, "CaptureService", TOPICS)
    position = int(committed.read_text()) if committed.exists() else 0
    with StreamRelay(client, on_dead=_fail, workers=4, settings=settings) as relay:
        while True:
            lines = read(topic, position)[:_AT_ONCE]
            records = [record_of(line, offset) for offset, line in enumerate(lines, position)]
            position += len(records)
            for offset in relay.handle(records).values():
                _commit(committed, offset)
            if not records:
                time.sleep(0.05)


def record_of(line: dict, offset: int) -> StreamRecord:
    return StreamRecord(
        key=line["key"], payload=line["payload"], headers=dict(line["headers"]), partition="events-0", offset=offset
    )


def _fail(dead) -> None:
    raise AssertionError(dead.reason)


def _commit(file: Path, offset: int) -> None:
    new = file.with_suffix(".new")
    new.write_text(str(offset))
    new.replace(file)


if __name__ == "__main__":
    main()
