"""
The asyncio client: what client.py does, with `await`. Many calls may be under way at once; a call that is cancelled is given
up, and what comes of it all the same is let go.

Owns: the socket, until `close`. A client is of one event loop.
"""

import asyncio
import contextlib
import math
import os
import weakref
from collections.abc import AsyncIterator, Collection, Coroutine
from types import TracebackType
from typing import Self, TypeVar

from . import _operations as operations
from ._aio_buffer import Buffer, Event, Share
from ._aio_driver import Driver
from ._buffer import BaseBuffer
from ._calls import Step
from ._core import Core
from ._dmabroker_gen import HandleTypeName
from ._line import Broker, Device, Line, open_line
from ._objects import Planned
from ._operations import Held
from ._paths import find_socket
from ._reconnect import Attempts, Taken, take_up
from ._requests import Imported, Request
from ._told import News
from ._transport import Transport
from .errors import ConnectionEnded

T = TypeVar("T")


class Client:
    """A connection to the broker, made by `connect`. Use it with `async with`, or `close` it."""

    def __init__(self, path: str, driver: Driver, line: Line) -> None:
        self._path = path
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._buffers: weakref.WeakSet[Buffer] = weakref.WeakSet()
        self._reconnecting = asyncio.Lock()
        self._have(driver, line)

    def _have(self, driver: Driver, line: Line) -> None:
        self._driver = driver
        self._line = line
        driver.transport.when_over.append(self._over)

    def _over(self) -> None:
        for queue in self._listeners:
            queue.put_nowait(None)

    @property
    def broker(self) -> Broker:
        """What the daemon said about itself: devices, sources, limits, session."""
        return self._line.broker

    @property
    def devices(self) -> tuple[Device, ...]:
        return self.broker.devices

    @property
    def session(self) -> str:
        """What proves later that a client is this one's successor: a secret, for `adopt`."""
        return self.broker.session

    @property
    def _is_mine(self) -> bool:
        return self._driver.transport.pid == os.getpid()

    async def _run(self, operation: Coroutine[Step, None, T]) -> T:
        return await self._driver.run(operation)

    def _buffer(self, held: Held, asked: Request | Imported | None = None) -> Buffer:
        buffer = Buffer(held, self._line, self._tell, asked)
        buffer._client = self
        self._buffers.add(buffer)
        return buffer

    def _tell(self, buffer: BaseBuffer, news: News) -> None:
        assert isinstance(buffer, Buffer)
        for queue in self._listeners:
            queue.put_nowait(Event(news, buffer))

    async def allocate(
        self, request: Request, *, on_waiting: operations.OnWaiting = None
    ) -> Buffer:
        """
        Allocates. Raises BrokerError where it is refused. `on_waiting` is told the place in the queue of a request that waits
        for memory (`wait_ms`).
        """
        asked = operations.allocate(self._line, request, on_waiting)
        return self._buffer(await self._run(asked), request)

    async def allocate_many(
        self, request: Request, count: int, *, on_waiting: operations.OnWaiting = None
    ) -> list[Buffer]:
        """Several equal buffers in one request, for a swapchain, a codec or a ring: all of them, or none."""
        held = await self._run(operations.allocate_many(self._line, request, count, on_waiting))
        return [self._buffer(each, request) for each in held]

    async def test(self, request: Request) -> Planned:
        """What `allocate` would give; nothing is allocated."""
        return await self._run(operations.test(self._line, request))

    async def import_memory(self, memory: Imported) -> Buffer:
        """Registers dma_bufs that were made elsewhere: they can be shared like any buffer. Their fds stay the caller's."""
        return self._buffer(await self._run(operations.import_(self._line, memory)), memory)

    async def redeem(
        self, token: str, *, handle_types: Collection[HandleTypeName] | None = None
    ) -> Buffer:
        """
        Gets a buffer that somebody shared; as these kinds of file descriptor and no others, all of them, or it is refused
        (`unsupported_handle_type`).
        """
        asked = operations.redeem(self._line, token, handle_types)
        return self._buffer(await self._run(asked))

    async def claim(
        self, name: str, *, writer: bool = False, committed: bool = False, wait: float = 0
    ) -> Buffer:
        """
        Gets a buffer by its lasting name, `NAME`, or `NAME@UID` of another user: now, or when there is one within so many
        seconds. As its `writer` it may commit; `committed`: only when something was. Raises BrokerError: `not_found`, `busy`
        (its constraint is `writer` where another one writes, `committed` where nothing was) or `permission_denied`.
        """
        asked = operations.claim(self._line, name, writer=writer, committed=committed, wait=wait)
        return self._buffer(await self._run(asked))

    async def adopt(self, buffer_id: str, session: str, memory: Imported | None = None) -> Buffer:
        """
        Takes up a buffer of an earlier connection of this user, whose `session` it was: one that was parked, or did not end with
        its connection. A daemon that knows nothing of it imports `memory`, under another id.
        """
        asked = operations.adopt(self._line, buffer_id, session, memory)
        return self._buffer(await self._run(asked), memory)

    async def sync(self) -> None:
        """Returns when the daemon has taken every request before it, and what it has said before is heard."""
        await self._run(_sync(self._line.core))

    async def reconnect(self, seconds: float = 60) -> list[Taken]:
        """
        After a ConnectionEnded that is `by_daemon`: tries for so many seconds to connect again, and takes up there the buffers
        that are open. They stay the same objects with the same fds and mappings: `adopted` is what it was; `imported` has
        another id, and tokens are to be made anew; `gone` could not be had, and `buffer.gone` says why.
        """
        async with self._reconnecting:
            over = self._line.core.over
            if over is None:
                return []  # Another task has.
            self._driver.transport.check_process()
            attempts = Attempts(over, seconds)
            while True:
                await asyncio.sleep(attempts.pause())
                try:
                    async with asyncio.timeout(attempts.left):
                        return await self._again()
                except (OSError, ConnectionEnded) as error:
                    attempts.failed(error)

    async def _again(self) -> list[Taken]:
        driver, line = await _open(self._path, wait=False)
        taken: list[Taken] = []
        try:
            buffers = [each for each in self._buffers if not each.closed and each.gone is None]
            for buffer in buffers:
                taken.append(await driver.run(take_up(line, buffer, buffers)))
        except BaseException:
            driver.close()
            raise
        self._have(driver, line)
        return taken

    async def events(self) -> AsyncIterator[Event]:
        """What happens to the client's buffers from the first step on, until it is closed; else raises ConnectionEnded."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            if self._line.core.over is not None:
                raise self._line.core.over
            while (event := await queue.get()) is not None:
                yield event
            over = self._line.core.over
            if over is not None and over.by_daemon:
                raise over
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """Disconnects: buffers bound to the connection are released; fds and mappings stay good."""
        self._driver.close()

    @property
    def closed(self) -> bool:
        return self._line.core.over is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


async def _sync(core: Core) -> None:
    await core.sync()


async def connect(socket: str | os.PathLike[str] | None = None) -> Client:
    """
    Connects, and waits until the daemon has described itself. Without a path it looks where every client does
    (docs/protocol.md). Raises OSError where nobody answers there.
    """
    path = find_socket() if socket is None else os.fspath(socket)
    return Client(path, *await _open(path, wait=True))


async def _open(path: str, *, wait: bool) -> tuple[Driver, Line]:
    """`wait`: for room where too many wait at the socket."""
    transport = Transport(path)
    with contextlib.closing(transport.connecting(math.inf if wait else None)) as connecting:
        for pause in connecting:
            await asyncio.sleep(pause)
    driver = Driver(transport)
    try:
        return driver, await driver.run(open_line(transport.core))
    except BaseException:
        driver.close()
        raise


__all__ = ["Buffer", "Client", "Event", "Share", "connect"]
