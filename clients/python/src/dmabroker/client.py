"""
The blocking client: a call returns when the daemon has answered.

Owns: the socket, until `close`. Threads may share a client: their calls go one after the other.
"""

import contextlib
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Collection, Coroutine, Iterator
from types import TracebackType
from typing import Self, TypeVar

from . import _operations as operations
from ._blocking import Blocking
from ._blocking_buffer import Buffer, Event
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

#: How often it is looked, in seconds, for what another thread has heard.
_LOOK = 0.1


class Client:
    """A connection to the broker, made by `connect`. Use it with `with`, or `close` it."""

    def __init__(self, path: str, driver: Blocking, line: Line) -> None:
        self._path = path
        self._driver = driver
        self._line = line
        self._listeners: set[_Queue] = set()
        self._buffers: weakref.WeakSet[Buffer] = weakref.WeakSet()
        self._reconnecting = threading.Lock()

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

    def _run(self, operation: Coroutine[Step, None, T], timeout: float | None = None) -> T:
        return self._driver.run(operation, timeout)

    def _buffer(self, held: Held, asked: Request | Imported | None = None) -> Buffer:
        buffer = Buffer(held, self._line, self._tell, asked)
        buffer._client = self
        self._buffers.add(buffer)
        return buffer

    def _tell(self, buffer: BaseBuffer, news: News) -> None:
        assert isinstance(buffer, Buffer)
        for each in self._listeners:
            each.events.append(Event(news, buffer))

    def allocate(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        on_waiting: operations.OnWaiting = None,
    ) -> Buffer:
        """
        Allocates. Raises BrokerError where it is refused, TimeoutError where it took longer, and is given up. `on_waiting` is
        told the place in the queue of a request that waits for memory (`wait_ms`), each time that it is another one.
        """
        held = self._run(operations.allocate(self._line, request, on_waiting), timeout)
        return self._buffer(held, request)

    def allocate_many(
        self,
        request: Request,
        count: int,
        *,
        timeout: float | None = None,
        on_waiting: operations.OnWaiting = None,
    ) -> list[Buffer]:
        """Several equal buffers in one request, for a swapchain, a codec or a ring: all of them, or none."""
        asked = operations.allocate_many(self._line, request, count, on_waiting)
        return [self._buffer(held, request) for held in self._run(asked, timeout)]

    def test(self, request: Request, *, timeout: float | None = None) -> Planned:
        """What `allocate` would give; nothing is allocated."""
        return self._run(operations.test(self._line, request), timeout)

    def import_memory(self, memory: Imported, *, timeout: float | None = None) -> Buffer:
        """Registers dma_bufs that were made elsewhere: they can be shared like any buffer. Their fds stay the caller's."""
        held = self._run(operations.import_(self._line, memory), timeout)
        return self._buffer(held, memory)

    def redeem(
        self,
        token: str,
        *,
        handle_types: Collection[HandleTypeName] | None = None,
        timeout: float | None = None,
    ) -> Buffer:
        """
        Gets a buffer that somebody shared; as these kinds of file descriptor and no others, all of them, or it is refused
        (`unsupported_handle_type`).
        """
        asked = operations.redeem(self._line, token, handle_types)
        return self._buffer(self._run(asked, timeout))

    def claim(
        self,
        name: str,
        *,
        writer: bool = False,
        committed: bool = False,
        wait: float = 0,
        timeout: float | None = None,
    ) -> Buffer:
        """
        Gets a buffer by its lasting name, `NAME`, or `NAME@UID` of another user: now, or when there is one within so many
        seconds. As its `writer` it may commit; `committed`: only when something was. Raises BrokerError: `not_found`, `busy`
        (its constraint is `writer` where another one writes, `committed` where nothing was) or `permission_denied`.
        """
        asked = operations.claim(self._line, name, writer=writer, committed=committed, wait=wait)
        return self._buffer(self._run(asked, timeout))

    def adopt(
        self,
        buffer_id: str,
        session: str,
        memory: Imported | None = None,
        *,
        timeout: float | None = None,
    ) -> Buffer:
        """
        Takes up a buffer of an earlier connection of this user, whose `session` it was: one that was parked, or did not end with
        its connection. A daemon that knows nothing of it imports `memory`, under another id.
        """
        asked = operations.adopt(self._line, buffer_id, session, memory)
        return self._buffer(self._run(asked, timeout), memory)

    def sync(self, *, timeout: float | None = None) -> None:
        """Returns when the daemon has taken every request before it, and what it has said before is heard."""
        self._run(_sync(self._line.core), timeout)

    def reconnect(self, seconds: float = 60) -> list[Taken]:
        """
        After a ConnectionEnded that is `by_daemon`: tries for so many seconds to connect again, and takes up there the buffers
        that are open. They stay the same objects with the same fds and mappings: `adopted` is what it was; `imported` has
        another id, and tokens are to be made anew; `gone` could not be had, and `buffer.gone` says why.
        """
        with self._reconnecting:
            over = self._line.core.over
            if over is None:
                return []  # Another thread has.
            self._driver.transport.check_process()
            attempts = Attempts(over, seconds)
            while True:
                time.sleep(attempts.pause())
                try:
                    return self._again(attempts)
                except (OSError, ConnectionEnded) as error:
                    attempts.failed(error)

    def _again(self, attempts: Attempts) -> list[Taken]:
        driver, line = _open(self._path, attempts.left, wait=False)
        taken: list[Taken] = []
        try:
            buffers = [each for each in self._buffers if not each.closed and each.gone is None]
            for buffer in buffers:
                taken.append(driver.run(take_up(line, buffer, buffers)))
        except BaseException:
            driver.close()
            raise
        self._driver, self._line = driver, line
        return taken

    def fileno(self) -> int:
        """For select(2) and the like: when it can be read, `dispatch` hears what there is. Never read or close it."""
        return self._driver.transport.socket.fileno()

    def dispatch(self, timeout: float | None = 0) -> None:
        """Hears what the daemon says by itself, and waits so many seconds for it (None: for as long as it takes)."""
        self._driver.dispatch(timeout)

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """
        What happens to the client's buffers from now on; ends when nothing has come for so many seconds. Raises ConnectionEnded.
        """
        queue = _Queue()
        self._listeners.add(queue)
        return self._events(queue, timeout)

    def _events(self, queue: "_Queue", timeout: float | None) -> Iterator[Event]:
        try:
            while True:
                deadline = None if timeout is None else time.monotonic() + timeout
                while not queue.events:
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        return
                    # Another thread's call may hear what this one waits for.
                    self.dispatch(_LOOK if left is None else min(left, _LOOK))
                yield queue.events.popleft()
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """Disconnects: buffers bound to the connection are released; fds and mappings stay good."""
        self._driver.close()

    @property
    def closed(self) -> bool:
        return self._line.core.over is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Queue:
    """One who listens."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()


async def _sync(core: Core) -> None:
    await core.sync()


def connect(
    socket: str | os.PathLike[str] | None = None, *, timeout: float | None = None
) -> Client:
    """
    Connects, and waits until the daemon has described itself. Without a path it looks where every client does
    (docs/protocol.md). Raises OSError where nobody answers there.
    """
    path = find_socket() if socket is None else os.fspath(socket)
    return Client(path, *_open(path, timeout, wait=True))


def _open(path: str, timeout: float | None, *, wait: bool) -> tuple[Blocking, Line]:
    """`wait`: for room where too many wait at the socket."""
    ends = math.inf if timeout is None else time.monotonic() + timeout
    transport = Transport(path)
    with contextlib.closing(transport.connecting(ends if wait else None)) as connecting:
        for pause in connecting:
            time.sleep(pause)
    driver = Blocking(transport)
    try:
        left = None if timeout is None else max(0.0, ends - time.monotonic())
        return driver, driver.run(open_line(transport.core), left)
    except BaseException:
        driver.close()
        raise
