"""Greenlets of a monkey-patched program: each in a session of its own, in a pool, and sharing one.

It prints how many of a kind there are.

python -m tests.ambient.programs.patched URL
"""

# ruff: noqa: E402  what is to be patched must be loaded after the patch
from gevent import monkey

monkey.patch_all()

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import gevent
from gevent.pool import Pool

from bc_events import EventClient, NoActiveSessionError, events
from tests.ambient.recording import TOPICS, say

GREENLETS = 20


def work(n):
    """Takes turns with the others at each sleep, and at each flush."""
    with events.user_context(f"user-{n}", f"job-{n}"):
        say(n)
        time.sleep(0)
        say(n)
        time.sleep(0)
        assert events.current_job_id() == f"job-{n}"


@events.session(lambda n: f"job-{n}")
def steps(n):
    for _ in range(2):
        say(n)
        time.sleep(0)
        yield events.current_job_id()


def walk(n):
    for job_id in steps(n):
        assert job_id == f"job-{n}"
        assert events.current_job_id() is None
        time.sleep(0)


def refused():
    """A greenlet, as a thread, inherits no session."""
    try:
        say(0)
    except NoActiveSessionError:
        return True
    return False


def share():
    """Greenlets, patched threads and a patched executor, all bound to one session."""
    with events.session("shared"):
        running = [gevent.spawn(events.propagate(say), n) for n in range(10)]
        threads = [threading.Thread(target=events.propagate(say), args=(n,)) for n in range(10, 20)]
        for thread in threads:
            thread.start()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(events.propagate(say), range(20, 30)))
        gevent.joinall(running, raise_error=True)
        for thread in threads:
            thread.join()
        assert gevent.spawn(refused).get()


def main(url):
    with EventClient(url, "PolicyService", TOPICS) as client, events.override(client):
        gevent.joinall([gevent.spawn(work, n) for n in range(GREENLETS)], raise_error=True)
        pool = Pool(8)
        pool.map(work, range(GREENLETS, 2 * GREENLETS))
        pool.map(walk, range(2 * GREENLETS, 3 * GREENLETS))
        share()
    print(json.dumps(GREENLETS))


if __name__ == "__main__":
    main(sys.argv[1])
