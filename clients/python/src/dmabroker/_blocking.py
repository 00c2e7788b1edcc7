"""How a blocking client runs an operation: it waits for the socket itself, one thread at a time."""

import select
import threading
import time
from collections.abc import Coroutine
from typing import TypeVar

from . import _dlpack
from ._calls import Pause, Step
from ._transport import Transport

T = TypeVar("T")


class Blocking:
    """A transport, and who waits for it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        # A handler of a signal may call the client while its thread does.
        self._lock = threading.RLock()

    def run(self, operation: Coroutine[Step, None, T], timeout: float | None = None) -> T:
        """Its result. What is not answered in time is given up, with TimeoutError; as with any exception of a signal's."""
        deadline = None if timeout is None else time.monotonic() + timeout
        _dlpack.look()
        try:
            self.transport.check_process()
        except BaseException:
            operation.close()
            raise
        with self._lock:
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
        # Rounded up: what is not there in time is not looked for again and again.
        if poll.poll(None if timeout is None else int(timeout * 1000) + 1):
            transport.receive()
            transport.flush()

    def dispatch(self, timeout: float | None) -> None:
        """Hears what has come, and waits for it."""
        self.transport.check_process()
        with self._lock:
            core = self.transport.core
            if core.over is not None:
                raise core.over
            self._pump(timeout)
            while self.transport.receive():
                pass
            if core.over is not None:
                raise core.over

    def close(self) -> None:
        with self._lock:
            self.transport.close()
