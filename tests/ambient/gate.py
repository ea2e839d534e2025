"""Gate: holds a flush until a test opens it."""

import threading

import anyio

LONG = 30
"""Seconds after which a test is given up."""


class Gate:
    """Holds a flush until it is opened, and says when one has come to it."""

    def __init__(self, recording):
        self.is_reached = threading.Event()
        self._opens = threading.Event()
        recording.on_send = self.pass_through

    def pass_through(self):
        self.is_reached.set()
        assert self._opens.wait(LONG)

    def open(self):
        self._opens.set()

    async def reached(self):
        while not self.is_reached.is_set():
            await anyio.sleep(0.001)
