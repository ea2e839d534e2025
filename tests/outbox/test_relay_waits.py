"""How long a relay waits: between its looks at the outbox, and for its workers; and from when waiting is too long."""

import threading
import time

import pytest
from tenacity import wait_fixed

from bc_events._delivery.request import Limits
from bc_events.outbox import Relay, RelaySettings
from bc_events.outbox._relay.counts import RelayCounts
from bc_events.outbox._relay.worker import Worker
from tests.outbox.relays import relay_of
from tests.outbox.service import QUICK, api_of, row


class Waits(threading.Event):
    """Notes for how long others would wait for it, and lets them go on at once."""

    def __init__(self):
        super().__init__()
        self.seconds = []
        self.after_each = lambda: None

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        self.after_each()
        return self.is_set()


@pytest.mark.parametrize(("alarm", "seconds"), [(0.1, 1), (10, 1), (20, 2), (300, 30)])
def test_the_age_is_looked_at_ten_times_before_it_is_an_alarm_and_once_a_second_at_most(store, api, alarm, seconds):
    relay = relay_of(store, api, settings=RelaySettings(alarm=alarm))
    relay._stopped = waits = Waits()
    waits.after_each = waits.set
    relay._look_out()
    assert waits.seconds == [seconds]


@pytest.mark.parametrize(("age", "is_told"), [(0, False), (50, False), (70, True)])
def test_only_events_that_wait_for_longer_than_the_alarm_are_an_error(store, api, caplog, age, is_told):
    store.add([row(1, created_at=time.time() - age)])
    relay = relay_of(store, api, settings=RelaySettings(alarm=60))
    relay._stopped = waits = Waits()
    waits.after_each = lambda: len(waits.seconds) == 2 and waits.set()
    relay._look_out()
    assert ("waiting in the outbox for too long" in caplog.text) is is_told


def test_a_wait_for_workers_to_finish_lasts_no_longer_than_asked(store, api):
    """One that is in the middle of a request still runs then."""
    plain = api_of(api.url)
    post, posted, go_on = plain.post, threading.Event(), threading.Event()

    def waiting(request, patience=None):
        posted.set()
        go_on.wait()
        return post(request, patience)

    plain.post = waiting
    store.add([row(1)])
    relay = Relay(store, plain, settings=QUICK)
    relay.start()
    posted.wait()
    relay.drain(0.01)
    relay.stop()
    assert not relay.join(0.01)
    go_on.set()
    assert relay.join()


@pytest.mark.parametrize(("pause", "delay"), [(3, 10), (100, 67)])
def test_rows_of_an_outage_wait_for_longer_than_the_worker_pauses_but_for_no_more_than_a_lease(
    store, api, pause, delay
):
    """Other ready rows come before them; and other relays can try them."""
    released, release = [], store.release

    def noting(*arguments, **options):
        released.append(options["delay"])
        release(*arguments, **options)

    store.release = noting
    store.add([row(1)])
    api.faults(unavailable={"count": 1})
    settings = RelaySettings(lease=60, poll=(1, 7), pause=wait_fixed(pause))
    worker = Worker(store, api_of(api.url), settings=settings, limits=Limits(), order="time", counts=RelayCounts())
    worker._stopping = Waits()
    worker._turn()
    assert released == [delay]


def waits_of_a_worker(store, api, *, poll, looks, meanwhile=lambda _look: None):
    """The seconds between the looks of a worker, which stops after so many of them that found nothing."""
    worker = Worker(
        store,
        api_of(api.url),
        settings=RelaySettings(poll=poll),
        limits=Limits(),
        order="time",
        counts=RelayCounts(),
    )
    worker._woken = waits = Waits()

    def after_each():
        meanwhile(len(waits.seconds))
        if len(waits.seconds) == looks:
            worker.stop()

    waits.after_each = after_each
    worker.run()
    return waits.seconds


def test_the_waits_between_looks_at_an_empty_outbox_double_up_to_the_longest(store, api):
    assert waits_of_a_worker(store, api, poll=(0.05, 0.3), looks=5) == [0.05, 0.1, 0.2, 0.3, 0.3]


def test_after_work_the_waits_begin_with_the_first_again(store, api):
    def meanwhile(look):
        if look == 2:
            store.add([row(1)])

    assert waits_of_a_worker(store, api, poll=(1, 9), looks=4, meanwhile=meanwhile) == [1, 2, 1, 2]
    assert store.stats().pending == 0
