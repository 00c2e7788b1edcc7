"""How the asyncio client runs an operation: the event loop waits for the socket."""

import asyncio
import os
from collections.abc import Coroutine
from typing import TypeVar

from . import _dlpack
from ._calls import Pause, Step
from ._transport import Transport

T = TypeVar("T")


class Driver:
    """A transport, and the event loop that waits for it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        transport.core.driver = self
        self._loop = asyncio.get_running_loop()
        self._writes = False
        self._fd = transport.socket.fileno()
        transport.when_over.append(self._detach)
        self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        # All that has come is heard, and what that asks for goes out together.
        while self.transport.receive():
            pass
        self.flush()

    def flush(self) -> None:
        wants_write = not self.transport.flush() and self.transport.core.over is None
        if wants_write == self._writes:
            return
        self._writes = wants_write
        if wants_write:
            self._loop.add_writer(self._fd, self.flush)
        elif self.transport.core.over is None:
            self._loop.remove_writer(self._fd)

    def _detach(self) -> None:
        # A process that was forked has the loop's epoll instance in common with this one.
        if not self._loop.is_closed() and os.getpid() == self.transport.pid:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)

    async def run(self, operation: Coroutine[Step, None, T]) -> T:
        _dlpack.look()
        try:
            self.transport.check_process()
        except BaseException:
            operation.close()
            raise
        thrown: BaseException | None = None
        while True:
            try:
                step = operation.send(None) if thrown is None else operation.throw(thrown)
            except StopIteration as stop:
                result: T = stop.value
                return result
            finally:
                self.flush()
            thrown = None
            try:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                elif not step.done:
                    await self._answer(step)
            except BaseException as error:
                thrown = error

    async def _answer(self, call: Step) -> None:
        assert not isinstance(call, Pause)
        future: asyncio.Future[None] = self._loop.create_future()

        def done() -> None:
            if not future.done():
                future.set_result(None)

        call.on_done = done
        await future

    def close(self) -> None:
        self.transport.close()
