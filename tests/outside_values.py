"""Values that come in from outside, and which of them are accepted: one table for all entry points."""

from dataclasses import dataclass

SERVICE = ("PolicyService", "service")
USER = ("user-one", "user")

JOB, ACTOR_ID, ACTOR_TYPE = "x-britecore-job-id", "x-britecore-actor-id", "x-britecore-actor-type"


@dataclass(frozen=True)
class Arrival:
    """Headers as pairs, of which a name may come twice; the job (None: a new one) and the actor that they give."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    job: str | None = None
    actor: tuple[str, str] = SERVICE
    warns: bool = True

    def joined(self):
        """As most servers and gateways hand them over: a name that came twice is joined."""
        found = {}
        for name, value in self.pairs:
            found[name] = f"{found[name]},{value}" if name in found else value
        return found

    def is_met_by(self, event):
        carried = [value for _, value in self.pairs]
        is_job_right = event.job_id == self.job if self.job else event.job_id not in carried
        return is_job_right and (event.actor.id, event.actor.type) == self.actor


def _job(name, *values, job=None, warns=True):
    return Arrival(name, tuple((JOB, value) for value in values), job=job, warns=warns)


def _baggage(name, *values, job=None, warns=True):
    return Arrival(name, tuple(("baggage", value) for value in values), job=job, warns=warns)


def _actor(name, *pairs, actor=SERVICE):
    return Arrival(name, pairs, actor=actor, warns=actor is SERVICE)


ARRIVALS = [
    _job("nothing", warns=False),
    _job("a job", "job-1", job="job-1", warns=False),
    _job("the longest job", "j" * 255, job="j" * 255, warns=False),
    _job("a job that is too long", "j" * 256),
    _job("an empty job", ""),
    _job("a job with a space", "job 1"),
    _job("a job that is not ASCII", "jöb"),
    _job("two jobs", "job-1", "job-2"),
    _job("one job twice", "job-1", "job-1"),
    _job("two jobs, joined", "job-1, job-2"),
    Arrival("two jobs, and baggage", ((JOB, "job-1,job-2"), ("baggage", "bc-job-id=job-3")), job="job-3"),
    _baggage("a job in baggage", "a=b,bc-job-id=job-1,c=d", job="job-1", warns=False),
    _baggage("a job in baggage with properties", "bc-job-id=job-1;ttl=60", job="job-1", warns=False),
    _baggage("an escaped job in baggage", "bc-job-id=job%2B1%3B2", job="job+1;2", warns=False),
    _baggage("baggage of two headers", "a=b", "bc-job-id=job-1", job="job-1", warns=False),
    _baggage("two jobs in baggage", "bc-job-id=job-1,bc-job-id=job-2"),
    _baggage("two jobs in two baggages", "bc-job-id=job-1", "bc-job-id=job-2"),
    _baggage("a bad job in baggage", "bc-job-id=job%0A1"),
    _baggage("baggage that is too long", f"bc-job-id=job-1,x={'y' * 8200}"),
    _baggage("baggage that is none", "bc-job-id", ";;,=,==", ""),
    _actor("a user", (ACTOR_ID, "user-one"), (ACTOR_TYPE, "user"), actor=USER),
    _actor("a user of a short name", (ACTOR_ID, "ann"), (ACTOR_TYPE, "user")),
    _actor("a user of a long name", (ACTOR_ID, "u" * 256), (ACTOR_TYPE, "user")),
    _actor("an actor of no type", (ACTOR_ID, "user-one")),
    _actor("an actor of another type", (ACTOR_ID, "user-one"), (ACTOR_TYPE, "wizard")),
    _actor("an actor of two types", (ACTOR_ID, "user-one"), (ACTOR_TYPE, "user"), (ACTOR_TYPE, "third-party")),
    _actor("two users", (ACTOR_ID, "user-one"), (ACTOR_ID, "user-two"), (ACTOR_TYPE, "user")),
    _actor("two users, joined", (ACTOR_ID, "user-one, user-two"), (ACTOR_TYPE, "user")),
    _actor("a user who is not ASCII", (ACTOR_ID, "bénédicte"), (ACTOR_TYPE, "user")),
]
