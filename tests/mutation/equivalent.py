"""Changes with which the code behaves the same: for each file, a part of the changed line, and the reason.

Each was looked at by a person. Spaces are as cosmic-ray leaves them.
"""

EQUIVALENT = {
    "bc_events/_delivery/answer_text.py": {
        "_MOST_LOOKED_AT: Final = 1 <<": "a bound on work, far beyond the titles of real pages",
        "_MOST_LOOKED_AT: Final = 2 <<": "a bound on work, far beyond the titles of real pages",
    },
    "bc_events/_delivery/attempt.py": {
        "self._ends = 1.0": "`begin` sets it",
        "self._ends = -1.0": "`begin` sets it",
        "self.max_bytes: int =": "`begin` sets it",
    },
    "bc_events/_delivery/content_coding.py": {
        "_MOST_MEMBERS: Final =": "any number that real bodies stay below will do",
        "decoder.decompress(body, left + 2)": "one byte too many is enough to refuse it",
    },
    "bc_events/_delivery/flush.py": {
        "self._answer.pause or -1.0": "the jitter is never less than 0",
    },
    "bc_events/_delivery/networks.py": {
        "_FORBIDDEN: Final = 402": "every status is read like this one that does not refuse events",
        "_FORBIDDEN: Final = 404": "every status is read like this one that does not refuse events",
        "status= 200": "nothing reads the status of a success",
        "status= 202": "nothing reads the status of a success",
    },
    "bc_events/_delivery/reasons.py": {
        "_DEEPEST: Final =": "any number above the depth of real errors will do",
    },
    "bc_events/_delivery/request.py": {
        "envelopes[ -1] if len(envelopes) == 1": "there is one",
        "self.events[ -1].job_id": "the events of a request have one job",
    },
    "bc_events/_delivery/response.py": {
        "_LONGEST_LENGTH: Final =": "the lengths of real bodies have fewer digits",
        "self._left <=": "a read may go beyond the limit by a buffer",
        "self.fp.peek( 2)": "it only asks whether there is a byte",
    },
    "bc_events/_delivery/telemetry.py": {
        '"messaging.message.conversation_id": events[ -1].job_id': "the events of a flush have one job",
    },
    "bc_events/_delivery/threads.py": {
        "_MOST_THREADS: Final =": "any number of threads does the same work",
    },
    "bc_events/_delivery/transport.py": {
        "_PIECE: Final = 1 << ": "pieces of any size make the same body",
        "_PIECE: Final = 2 << ": "pieces of any size make the same body",
        "_POOL: Final =": "connections beyond it are made anew",
        "pool_connections= 2": "the session has one host",
    },
    "bc_events/_delivery/wire.py": {
        "batch[ -1].job_id": "the events of a batch have one job",
    },
    "bc_events/_unit/pending.py": {
        "_numbers: Final = itertools.count( 2)": "the numbers only tell units of work apart",
        "_numbers: Final = itertools.count( 0)": "the numbers only tell units of work apart",
        "if self._changes <= changes:": "the number of changes never falls",
        "taken = len(old) - 2": "where no late event stands behind the seal, index -1 finds it",
    },
    "bc_events/_unit/recording.py": {
        'if unit.client.on_invalid >= "raise":': 'the other value is "log", which is less',
    },
    "bc_events/_unit/retries.py": {
        "retries = None if request.events[0] in refused else retries_of(request.events[ -1])": (
            "the events of a request have one session"
        ),
    },
    "bc_events/outbox/_relay/claim_sender.py": {
        "request.events[ -1].job_id": "the events of a request have one job",
        "elif len(request.events) <= 1:": "no request is empty",
        "time.monotonic() >= self._settle_at": "the clock meets that moment by chance only",
    },
    "bc_events/outbox/_relay/command.py": {
        "now - reported > report_every": "the clock meets that moment by chance only",
        "now - started > within": "the clock meets that moment by chance only",
    },
    "bc_events/outbox/_relay/relay.py": {
        "pending <= 0": "no number of events is negative",
        "max( -1.0, deadline": "a negative time to wait is none, too",
        "max( 1.0, deadline": "it waits for a second more where time has run out",
    },
    "bc_events/outbox/_relay/embedded.py": {
        "max( -1.0, deadline": "a negative time to wait is none, too",
        "max( 1.0, deadline": "it waits for a second more where time has run out",
        "left <= 0": "no number of events is negative",
    },
    "bc_events/outbox/_relay/exits.py": {
        "exitpriority=": "other priorities change the order among the process's finalizers alone",
    },
    "bc_events/outbox/_relay/worker.py": {
        "elif self._faults <= 1:": "it has just grown by 1",
        "if self._outages <= 1:": "it has just grown by 1",
        "round(seconds, ": "the precision of a log field",
    },
    "bc_events/_ambient/reentry.py": {
        "len(candidates) <= 1": "there is one at least",
    },
    "bc_events/_ambient/scope_exit.py": {
        '"bc_job_id": events[ -1].job_id': "the events of a scope have one job",
    },
    "bc_events/_unit/unit_of_work.py": {
        "if pending.held and dropped or committed or": "a transaction gets events by `record`, which the line asks for",
        "if pending.held or dropped or committed and": "a transaction gets events by `record`, which the line asks for",
        "return 1, ()": "nobody calls `abort` in a forked child",
        "sends_at_once else - 0": "no event is empty",
        "sends_at_once else - 2": "no event is shorter than -1 bytes",
    },
}
