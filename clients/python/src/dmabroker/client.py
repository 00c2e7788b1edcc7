"""
The blocking client: a call returns when the daemon has answered.

Owns: the socket, until `close`. Threads may share a client: their calls go one after the other.
"""

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from . import _operations as operations
from ._blocking import Blocking
from ._buffer import BaseBuffer
from ._core import Core, Step
from ._line import Broker, Device, Line, open_line
from ._objects import Planned, ShareObject
from ._operations import Content, Held, Path
from ._paths import find_socket
from ._reconnect import Attempts, Taken, take_up
from ._requests import Imported, Request
from ._told import News
from ._transport import Transport
from .errors import ConnectionEnded

T = TypeVar("T")


class Event(NamedTuple):
    """What has become of a buffer; its properties say more, as it is now."""

    type: News
    buffer: "Buffer"


class Share:
    """A token with which other processes redeem a buffer."""

    def __init__(self, client: "Client", token: str, made: ShareObject) -> None:
        self._client = client
        self._made = made
        #: A secret.
        self.token = token
        #: How lists name it; no secret.
        self.token_id = made.token_id

    def __str__(self) -> str:
        return self.token

    def revoke(self, *, timeout: float | None = None) -> None:
        """Ends the token. Who has redeemed it keeps what was received. Once is enough."""
        self._client._run(operations.revoke(self._made), timeout)


class Buffer(BaseBuffer):
    """A buffer of a blocking client. Use it with `with`, or `close` or `release` it."""

    _client: "Client"

    def share(
        self,
        *,
        uses: int = 1,
        uid: int | None = None,
        seconds: int | None = None,
        may_renew: bool = False,
        timeout: float | None = None,
    ) -> Share:
        """
        A token with which others redeem the buffer: so often, by that user alone, for so long; whether they may renew its
        lease, too.
        """
        asked = operations.share(
            self._link(), uses=uses, uid=uid, seconds=seconds, may_renew=may_renew
        )
        token, made = self._client._run(asked, timeout)
        return Share(self._client, token, made)

    def renew(self, seconds: int, *, timeout: float | None = None) -> None:
        """Has the lease end so many seconds from now, or later where it would have."""
        self._client._run(operations.renew(self._link(), seconds), timeout)

    def park(self, seconds: int, *, timeout: float | None = None) -> None:
        """Gives it a lease in place of its lifetime: for a process that ends, whose successor adopts it."""
        self._client._run(operations.park(self._link(), seconds), timeout)

    def reissue(self, *, timeout: float | None = None) -> None:
        """Replaces memory that was lost: `planes` are new, and mappings of the old memory stay what they are."""
        self._client._run(operations.reissue(self._link()), timeout)

    def fill(
        self, value: int, *, offset: int = 0, size: int | None = None, timeout: float | None = None
    ) -> Path:
        """Has the daemon write a 32-bit value all over; returns who did it, `device` or `cpu`."""
        asked = operations.fill(self._line, self._link(), value, offset, size)
        return self._client._run(asked, timeout)

    def copy_from(
        self,
        source: "Buffer",
        *,
        offset: int = 0,
        size: int | None = None,
        source_offset: int = 0,
        timeout: float | None = None,
    ) -> Path:
        """Has the daemon copy linear memory, or an image of the same format, width and height."""
        if source._client is not self._client:
            raise ValueError("the buffers are of different clients")
        asked = operations.copy(
            self._line, self._link(), source._link(), offset, size, source_offset
        )
        return self._client._run(asked, timeout)

    def read(
        self, *, offset: int = 0, size: int | None = None, timeout: float | None = None
    ) -> Content:
        """The content as it is now, read by the daemon: of memory that this process cannot map, too."""
        return self._client._run(operations.read(self._line, self._link(), offset, size), timeout)

    def close(self) -> None:
        """
        Closes what this process has, but for mappings; a buffer bound to this connection that it owns is released. Once is
        enough.
        """
        if not self._open:
            return
        shut = self._shut()
        if shut.core.over is None and self._client._is_mine:
            try:
                self._client._run(shut.destroy(release=False))
            except ConnectionEnded:
                pass  # It has taken the buffer along.

    def release(self, *, timeout: float | None = None) -> None:
        """The same, and the daemon lets go of it, whatever its lifetime, if this client owns it."""
        self._link()
        self._client._run(self._shut().destroy(release=True), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


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

    def allocate(self, request: Request, *, timeout: float | None = None) -> Buffer:
        """Allocates. Raises BrokerError where it is refused, TimeoutError where it took longer, and is given up."""
        held = self._run(operations.allocate(self._line, request), timeout)
        return self._buffer(held, request)

    def allocate_many(
        self, request: Request, count: int, *, timeout: float | None = None
    ) -> list[Buffer]:
        """Several equal buffers in one request, for a swapchain, a codec or a ring: all of them, or none."""
        asked = operations.allocate_many(self._line, request, count)
        return [self._buffer(held, request) for held in self._run(asked, timeout)]

    def test(self, request: Request, *, timeout: float | None = None) -> Planned:
        """What `allocate` would give; nothing is allocated."""
        return self._run(operations.test(self._line, request), timeout)

    def import_memory(self, memory: Imported, *, timeout: float | None = None) -> Buffer:
        """Registers dma_bufs that were made elsewhere: they can be shared like any buffer. Their fds stay the caller's."""
        held = self._run(operations.import_(self._line, memory), timeout)
        return self._buffer(held, memory)

    def redeem(self, token: str, *, timeout: float | None = None) -> Buffer:
        """Gets a buffer that somebody shared."""
        return self._buffer(self._run(operations.redeem(self._line, token), timeout))

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
                    self.dispatch(left)
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
    transport = Transport(path)
    transport.connect(wait=wait)
    driver = Blocking(transport)
    try:
        return driver, driver.run(open_line(transport.core), timeout)
    except BaseException:
        driver.close()
        raise
