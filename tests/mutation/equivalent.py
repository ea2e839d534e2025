"""Changes with which the code behaves the same: for each file, a part of the changed line, and the reason.

Each was looked at by a person. Spaces are as cosmic-ray leaves them.
"""

EQUIVALENT = {
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
    "bc_events/_unit/unit_of_work.py": {
        "sends_at_once else - 0": "no event is empty",
        "sends_at_once else - 2": "no event is shorter than -1 bytes",
    },
}
