"""Fields of log lines about the live session."""

from __future__ import annotations

import os

from bc_events._ambient.frames import unit_to_join
from bc_events.errors import printable
from bc_events.event import Actor


def ambient_fields() -> dict[str, str]:
    """Names and values. Empty if no session is live. It never raises. It reads no lazy actor, because that may do I/O.

    `bc_job_id`; `bc_session`, which names the unit of work within its process; `bc_actor_id` and `bc_actor_type`.
    """
    unit = unit_to_join()
    if unit is None:
        return {}
    fields = {"bc_job_id": unit.job_id, "bc_session": f"{os.getpid()}-{unit.pending.number}"}
    if isinstance(unit.actor, Actor):
        fields |= {"bc_actor_id": printable(unit.actor.id), "bc_actor_type": unit.actor.type}
    return fields
