"""Processes: the events that are delivered in a child come back with its result."""

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor

from .decorated import function
from .group import in_group

PROCESSES = {}


@in_group(PROCESSES)
def fork(scope, body, recording):
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        _answer_and_exit(scope, body, recording, writable)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return _taken(pickle.loads(answer), recording)


def _answer_and_exit(scope, body, recording, writable):
    try:
        answer = pickle.dumps(_told(scope, body, recording))
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _told(scope, body, recording):
    recording.batches.clear()
    try:
        return function(scope, body, recording), None, recording.batches
    except BaseException as error:
        return None, error, recording.batches


def _taken(answer, recording):
    result, error, batches = answer
    recording.batches += batches
    if error is not None:
        raise error
    return result


_given = None


def _told_what_was_given():
    return _told(*_given)


@in_group(PROCESSES)
def process_pool(scope, body, recording):
    global _given
    _given = (scope, body, recording)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return _taken(pool.submit(_told_what_was_given).result(), recording)
