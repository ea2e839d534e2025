"""The command that runs a relay. `bc-events outbox relay` and `manage.py bc_events_relay` both run it.

They share its options with their checks, its signals, its log lines and its last line. Each has the parser of its
framework. The outbox and the API come from options, or from Django's settings.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, get_args

from bc_events._runtime import logs
from bc_events._runtime.numbers import Seconds, WholeNumbers
from bc_events._runtime.stopping import stoppable
from bc_events.errors import ConfigurationError, OutboxError, counted
from bc_events.outbox._store.command_option import CommandOption
from bc_events.outbox._store.store import Order

from .relay import MOST_WORKERS
from .settings import LONGEST_LEASE, RelaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from .counts import RelayCounts
    from .relay import Relay

_BETWEEN_LOOKS: Final = 0.2
_BETWEEN_REPORTS: Final = 30.0
_LONGEST_DRAIN: Final = 86_400.0
_logger = logs.logger


OPTIONS: Final = (
    CommandOption(
        name="workers",
        help="Requests under way at once.",
        metavar="COUNT",
        default=1,
        values=WholeNumbers(1, MOST_WORKERS),
    ),
    CommandOption(
        name="order",
        help="job: one event of a job at a time, strictly in order.",
        default="time",
        choices=get_args(Order),
    ),
    CommandOption(
        name="lease",
        help="How long a relay owns the events that it claims. By default 60, or three times the timeouts.",
        metavar="SECONDS",
        values=Seconds(LONGEST_LEASE),
    ),
    CommandOption(name="drain", help="Exit once nothing waits, however long the Events API is away."),
    CommandOption(
        name="within",
        help="With --drain: give up after so long, and exit with 1 if events still wait.",
        metavar="SECONDS",
        values=Seconds(_LONGEST_DRAIN),
    ),
)
HELP: Final = "Any number of relays may share an outbox."


def settings_of(lease: float | None) -> RelaySettings | None:
    """The settings of a relay with this lease, if one was given."""
    return None if lease is None else RelaySettings(lease=lease)


def run(
    relay: Relay,
    *,
    drain: bool,
    within: float | None = None,
    on_look: Callable[[], None] = lambda: None,
    report_every: float = _BETWEEN_REPORTS,
) -> str:
    """Works until SIGTERM or Ctrl-C, or with `drain` until nothing waits. Returns its counts in a line.

    At the end it finishes the requests in hand, and releases the other rows. `on_look` is called a few times a second.
    Raises `OutboxError` where `drain` has not ended `within` so many seconds.
    """
    if within is not None and not drain:
        raise ConfigurationError("--within is the time that --drain may take; give both, or neither")
    relay.store.check()
    _logger.info("the relay has started")
    is_late = False
    with stoppable():
        relay.start()
        is_late = _work(relay, on_look, drain=drain, within=within, report_every=report_every)
    relay.stop()
    relay.join()
    done = summary_of(relay.counts)
    _logger.info(
        "the relay has ended: %s",
        done,
        extra={"bc_sent": relay.counts.sent, "bc_retried": relay.counts.retried, "bc_dead": relay.counts.dead},
    )
    if is_late:
        why = f": {relay.counts.pause_reason}" if relay.counts.pause_reason else ""
        raise OutboxError(f"events still wait after {within:g} s{why}; they are stored, and the next relay sends them")
    return done


def _work(relay: Relay, on_look: Callable[[], None], *, drain: bool, within: float | None, report_every: float) -> bool:
    """Returns True where it has taken too long, False once nothing waits."""
    started = reported = time.monotonic()
    while not (drain and relay.is_done()):
        time.sleep(_BETWEEN_LOOKS)
        on_look()
        now, reason = time.monotonic(), relay.counts.pause_reason
        if within is not None and now - started >= within:
            return not relay.is_done()
        if drain and reason and now - reported >= report_every:
            reported = now
            _logger.warning("the outbox is not empty yet, and the relay waits: %s", reason, extra={"bc_reason": reason})
    return False


def summary_of(counts: RelayCounts) -> str:
    return f"{counted(counts.sent, 'event')} sent, {counts.retried} retried, {counts.dead} dead"
