"""How a library does in a case: right, or what is wrong."""

import logging
import multiprocessing
import traceback

from .peer import LeaksError, MissingError

OK, LEAKS, FAILS, MISSING = "ok", "leaks", "fails", "—"
SECONDS = 20
_FORK = multiprocessing.get_context("fork")


class _Errors(logging.Handler):
    """Keeps the error records that are logged meanwhile: a library that logs a failure of its own has failed."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def __enter__(self):
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_):
        logging.getLogger().removeHandler(self)


def judge(probe, peer):
    """A verdict, and the reason where it is a bad one."""
    try:
        with _Errors() as errors:
            probe(peer)
    except MissingError:
        return MISSING, ""
    except LeaksError:
        return LEAKS, traceback.format_exc(limit=-2)
    except BaseException:
        return FAILS, traceback.format_exc(limit=-2)
    if errors.records:
        return FAILS, f"it logged: {errors.records[0].getMessage()}"
    return OK, ""


def judge_apart(probe, make_peer):
    """`judge` in a forked child of this process, which is stopped after `SECONDS`."""
    receiver, sender = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=lambda: sender.send(judge(probe, make_peer())))
    child.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(SECONDS) else (FAILS, f"not done after {SECONDS} seconds")
    except EOFError:
        return FAILS, "its process died"
    finally:
        child.kill()
        child.join()
