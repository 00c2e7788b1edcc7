"""How a blocking client runs an operation: it waits for the socket itself, one thread at a time."""

import math
import os
import select
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

from . import _dlpack
from ._calls import Pause, Step
from ._transport import Transport

T = TypeVar("T")


def _milliseconds(seconds: float | None) -> int | None:
    """Rounded up: what is not there in time is not looked for again and again."""
    return None if seconds is None else math.ceil(seconds * 1000)


class Blocking:
    """A transport, and who waits for it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        transport.core.driver = self
        self._mutex = threading.Lock()
        self._owner: int | None = None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One thread at a time. A handler of a signal comes in the middle of what its thread does, and may not wait for that."""
        me = threading.get_ident()
        if self._owner == me:
            raise RuntimeError("the client is called while this thread is in a call of it")
        with self._mutex:
            self._owner = me
            try:
                yield
            finally:
                self._owner = None

    def run(self, operation: Coroutine[Step, None, T], timeout: float | None = None) -> T:
        """Its result. What is not answered in time is given up, with TimeoutError; as with any exception of a signal's."""
        deadline = None if timeout is None else time.monotonic() + timeout
        _dlpack.look()
        try:
            self.transport.check_process()
            with self._lock():
                return self._run(operation, deadline)
        finally:
            operation.close()  # Where it was never begun.

    def _run(self, operation: Coroutine[Step, None, T], deadline: float | None) -> T:
        thrown: BaseException | None = None
        while True:
            try:
                step = operation.send(None) if thrown is None else operation.throw(thrown)
            except StopIteration as stop:
                result: T = stop.value
                return result
            finally:
                self.transport.flush()
            thrown = None
            try:
                self._wait(step, deadline)
            except BaseException as error:
                thrown = error

    def _wait(self, step: Step, deadline: float | None) -> None:
        if isinstance(step, Pause):
            ends = time.monotonic() + step.seconds
            while self._left(ends) > 0 and self.transport.core.over is None:
                self._check(deadline)
                self._pump(self._left(ends if deadline is None else min(ends, deadline)))
            return
        while not step.done:
            self._check(deadline)
            self._pump(None if deadline is None else self._left(deadline))

    @staticmethod
    def _left(ends: float) -> float:
        return max(0.0, ends - time.monotonic())

    def _check(self, deadline: float | None) -> None:
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError("the daemon has not answered in time")

    def _pump(self, timeout: float | None) -> None:
        """Waits until there is something to hear or room to send, and does it."""
        transport = self.transport
        all_sent = transport.flush()
        if transport.core.over is not None:
            return
        poll = select.poll()
        poll.register(transport.socket, select.POLLIN | (0 if all_sent else select.POLLOUT))
        if poll.poll(_milliseconds(timeout)):
            transport.receive()
            transport.flush()

    def dispatch(self, timeout: float | None) -> None:
        """Hears what has come, and waits for it: meanwhile other threads go on with their calls."""
        self.transport.check_process()
        core = self.transport.core
        if core.over is not None:
            raise core.over
        poll = select.poll()
        try:
            poll.register(self.transport.socket, select.POLLIN)
        except ValueError:
            pass  # Another thread has just closed it.
        else:
            poll.poll(_milliseconds(timeout))
        with self._lock():
            while self.transport.receive():
                pass
            self.transport.flush()
            if core.over is not None:
                raise core.over

    def close(self) -> None:
        if os.getpid() != self.transport.pid:
            # The thread that is in a call has stayed in the other process, which has the lock for ever.
            self.transport.close()
            return
        with self._lock():
            self.transport.close()
