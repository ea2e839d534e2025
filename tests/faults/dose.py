"""Dose: how much of each fault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dose:
    relay_kills: int
    producer_kills: int
    database_kills: int
    sessions: int
    outages: tuple[float, ...]
    stops: int
    per_server: int
    exits: int
    loop_seconds: float
    snapshot_events: int
    snapshot_seconds: float


SHORT = Dose(
    relay_kills=20,
    producer_kills=40,
    database_kills=2,
    sessions=300,
    outages=(3.0, 3.0),
    stops=2,
    per_server=200,
    exits=10,
    loop_seconds=10.0,
    snapshot_events=2000,
    snapshot_seconds=0.0,
)
LONG = Dose(
    relay_kills=200,
    producer_kills=200,
    database_kills=20,
    sessions=5000,
    outages=(600.0, 3.0),
    stops=20,
    per_server=200,
    exits=100,
    loop_seconds=60.0,
    snapshot_events=2000,
    snapshot_seconds=120.0,
)
