"""One run: producers, the engine and a consumer, each killed again and again, and what has come out in the end."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import psycopg
import pymysql

from bc_events.local import LocalEventsAPI
from tests.cdc.databases import DATABASES
from tests.cdc.topic_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT = Path(__file__).parents[2]
_PATIENCE = 90.0
_FAULTS = {
    "unavailable": {"probability": 0.03, "retry_after": 0},
    "lost_answer": {"probability": 0.03},
    "throttle": {"probability": 0.02},
}


@dataclass(frozen=True, slots=True)
class Dose:
    producer_kills: int
    engine_kills: int
    consumer_kills: int
    client_kills: int


SHORT = {
    "postgresql": Dose(producer_kills=4, engine_kills=2, consumer_kills=3, client_kills=1),
    "mariadb": Dose(producer_kills=4, engine_kills=2, consumer_kills=3, client_kills=0),
}
LONG = dict.fromkeys(SHORT, Dose(producer_kills=60, engine_kills=20, consumer_kills=40, client_kills=5))


@dataclass(slots=True)
class Outcome:
    """`misses` say what did not hold."""

    facts: dict[str, int] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    def none(self, name: str, found: object) -> None:
        count = len(found) if hasattr(found, "__len__") else int(found)
        self.facts[name] = count
        if count:
            self.misses.append(f"{count} {name}")

    def least(self, name: str, count: int, least: int) -> None:
        self.facts[name] = count
        if count < least:
            self.misses.append(f"{count} {name} in place of {least}")


class CaptureRun:
    """`with CaptureRun("postgresql", SHORT, seed) as run: run.outcome()`"""

    def __init__(self, database: str, doses: Mapping[str, Dose], seed: int) -> None:
        self._kind, self._dose, self._seed = database, doses[database], seed
        self._chance = random.Random(f"{seed}/{database}")
        self._stack = ExitStack()
        self._producers = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="cdc")))
            self.database = DATABASES[self._kind]()
            stack.callback(self.database.stop)
            self.api = stack.enter_context(LocalEventsAPI(seed=self._seed))
            self._processes: list[subprocess.Popen] = []
            stack.callback(lambda: [_kill(process) for process in self._processes])
            self._stack = stack.pop_all()
        self.topic, self.committed = self.folder / "topic", self.folder / "committed"
        (self.folder / "configuration.json").write_text(json.dumps(self.database.configuration(self.folder)))
        return self

    def __exit__(self, *_exception) -> None:
        self._stack.close()

    def outcome(self) -> Outcome:
        self.api.faults(**_FAULTS)
        engine = self._engine()
        forwarder = self._forwarder()
        producers = [self._producer(), self._producer()]
        kills = [*["producer"] * self._dose.producer_kills, *["engine"] * self._dose.engine_kills]
        kills += ["consumer"] * self._dose.consumer_kills
        self._chance.shuffle(kills)
        killed = dict.fromkeys(("producers killed", "engines killed", "consumers killed"), 0)
        for kind in kills:
            self._progress(20, 10 if kind != "producer" else 0)
            time.sleep(self._chance.uniform(0.0, 0.2))
            if kind == "producer":
                place = self._chance.randrange(len(producers))
                killed["producers killed"] += _kill(producers[place])
                producers[place] = self._producer()
            elif kind == "engine":
                killed["engines killed"] += _kill(engine)
                self._progress(10, 0)  # it finds work that was committed while it was away
                engine = self._engine()
            else:
                killed["consumers killed"] += _kill(forwarder)
                forwarder = self._forwarder()
        self._progress(40, 20)
        for producer in producers:
            _kill(producer)
        return self._judged(killed)

    def _judged(self, killed: dict[str, int]) -> Outcome:
        work = {name: (job, envelope) for name, job, envelope in self.database.query("SELECT * FROM work")}
        with suppress(TimeoutError):
            self._until(lambda: work.keys() <= {_key(record) for record in read(self.topic)})
            self._until(lambda: len(self.api.events()) >= len(work))
        records = read(self.topic)
        outcome = Outcome({"committed events": len(work), "records": len(records)})
        for name, least in zip(killed, (self._dose.producer_kills, self._dose.engine_kills), strict=False):
            outcome.least(name, killed[name], least)
        outcome.least("consumers killed", killed["consumers killed"], self._dose.consumer_kills)
        first: dict[str, dict] = {}
        for record in records:
            first.setdefault(_key(record), record)
        outcome.facts["records that came twice"] = len(records) - len(first)
        outcome.none("events lost on the way to the topic", work.keys() - first.keys())
        outcome.none("ghosts in the topic", first.keys() - work.keys())
        outcome.none("overtaken in the topic", overtaken([(one["key"], key) for key, one in first.items()]))
        outcome.none(
            "records with another key, payload or header",
            [key for key, one in first.items() if key in work and not is_as_documented(one, *work[key])],
        )
        arrived = [(event.job_id, event.data["key"]) for event in self.api.events()]
        outcome.none("events lost on the way to the API", work.keys() - {key for _, key in arrived})
        outcome.none("ghosts at the API", {key for _, key in arrived} - work.keys())
        outcome.none("doubled at the API", len(arrived) - len(set(arrived)))
        outcome.none("overtaken at the API", overtaken(arrived))
        outcome.none("rows left in the table", self.database.query("SELECT count(*) FROM bc_outbox")[0][0])
        outcome.facts["requests"] = len(self.api.requests())
        outcome.facts["faults of the API"] = sum(self.api.fired().values())
        return self._judged_by_client(outcome, records) if self._dose.client_kills else outcome

    def _judged_by_client(self, outcome: Outcome, records: list[dict]) -> Outcome:
        from tests.cdc import kafka

        arrived = kafka.forwarded(records, self._chance, kills=self._dose.client_kills)
        outcome.facts["consumers of the docs killed"] = self._dose.client_kills
        keys = {_key(record) for record in records}
        outcome.none("events lost by the consumer of the docs", keys - {key for _, key in arrived})
        outcome.none("doubled by the consumer of the docs", len(arrived) - len(keys))
        outcome.none("overtaken in the consumer of the docs", overtaken(arrived))
        return outcome

    def _engine(self) -> subprocess.Popen:
        with (self.folder / "engine.log").open("ab") as log:
            process = self._spawn("engine", str(self.folder / "configuration.json"), str(self.topic), log=log)
        self._until(lambda: self._is_running(process) and self.database.is_read())
        return process

    def _is_running(self, process: subprocess.Popen) -> bool:
        if process.poll() is not None:
            told = "\n".join((self.folder / "engine.log").read_text(errors="replace").splitlines()[-30:])
            raise RuntimeError(f"the engine has ended:\n{told}")
        return True

    def _forwarder(self) -> subprocess.Popen:
        return self._spawn("forwarder", str(self.topic), str(self.committed), self.api.url)

    def _producer(self) -> subprocess.Popen:
        self._producers += 1
        return self._spawn("producer", self.database.url, f"p{self._producers}", str(self._seed))

    def _spawn(self, module: str, *arguments: str, log=None) -> subprocess.Popen:
        command = [sys.executable, "-m", f"tests.cdc.{module}", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,  # the engine writes logs where it runs
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdout=log,
            stderr=subprocess.STDOUT if log else None,
        )
        self._processes.append(process)
        return process

    def _progress(self, events: int, records: int) -> None:
        """Waits until so many more events are committed, and so many more have come out."""
        committed, came = self._committed() + events, len(read(self.topic)) + records
        self._until(lambda: self._committed() >= committed)
        self._until(lambda: len(read(self.topic)) >= came)

    def _committed(self) -> int:
        return self.database.query("SELECT count(*) FROM work")[0][0]

    def _until(self, is_so) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            ended = [one.args for one in self._processes if one.poll() not in (None, -9)]
            if ended:
                raise RuntimeError(f"a process has ended by itself: {ended}")
            with suppress(psycopg.OperationalError, pymysql.Error):
                if is_so():
                    return
            time.sleep(0.05)
        raise TimeoutError(f"it did not happen in {_PATIENCE:g} s")


def _key(record: dict) -> str:
    return json.loads(record["payload"])["data"]["key"]


def overtaken(keys: list[tuple[str, str]]) -> list[str]:
    """Those that come after a later event of their job. A key is the producer's name, its session and a place in it."""
    latest: dict[str, tuple[int, ...]] = {}
    found = []
    for job, key in keys:
        place = tuple(map(int, key.split("/")[1:3]))
        if place < latest.get(job, ()):
            found.append(key)
        latest[job] = max(place, latest.get(job, ()))
    return found


def is_as_documented(record: dict, job: str, envelope: str) -> bool:
    headers = dict(record["headers"])
    event = json.loads(envelope)
    return (
        (record["key"], record["payload"]) == (job, envelope)
        and headers["topic"] == f"{event['category']}.{event['entity']}{event['action']}"
        and headers["service"] == "CaptureService"
        and len(headers["id"].replace("-", "")) == len(headers["request_key"].replace("-", "")) == 32
        and 1 <= int(headers["request_place"]) <= int(headers["request_size"])
    )


def _kill(process: subprocess.Popen) -> bool:
    """Whether it was running until then."""
    if process.poll() is not None:
        return False
    process.kill()
    return process.wait() == -9
