"""
The client's side of a connection without its socket: objects, requests out, events in, and calls that wait for an
answer. Whoever drives it (the blocking client, the asyncio one) moves the bytes.

Owns: file descriptors that have come until an event's handler takes them, and duplicates of those that are to be sent.
"""

import fcntl
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ._calls import Call
from ._wayland_gen import WlCallback, WlDisplay
from ._wire import HEADER_SIZE, MAX_FDS, Interface, Message, Reader, WireError, read_header
from .errors import ConnectionEnded

E = TypeVar("E")

DISPLAY = 1


@dataclass(slots=True)
class _Object:
    interface: Interface[Any]
    handler: Callable[[Any], None]
    #: Destroyed by us; kept until delete_id, since events may still be on their way.
    dead: bool = False
    #: Told when the daemon has taken the destructor, and every request before it.
    deleted: Callable[[], None] | None = None


@dataclass(slots=True)
class Packet:
    """What is sent by one sendmsg(2), its fds with the first byte."""

    data: bytearray
    fds: list[int]


class Core:
    """One connection. Not for several threads at once."""

    def __init__(self) -> None:
        self._objects: dict[int, _Object] = {}
        self._free: list[int] = []
        self._next = DISPLAY + 1
        self._input = bytearray()
        self._fds: list[int] = []
        self._output: deque[Packet] = deque()
        self.waiting: set[Call[Any]] = set()
        #: Why the connection is over; None while it is not.
        self.over: ConnectionEnded | None = None
        #: Told once, when it is.
        self.on_over: Callable[[ConnectionEnded], None] | None = None
        #: Who runs operations on it: the blocking client's or the asyncio client's.
        self.driver: Any = None
        #: Objects that nobody has any more, put there by whichever thread drops them.
        self.abandoned: deque[tuple[int, Message]] = deque()
        self._objects[DISPLAY] = _Object(WlDisplay.INTERFACE, self._display)

    # Requests out.

    def create(self, interface: Interface[E], handler: Callable[[E], None]) -> int:
        """A new object, to be named in the request that creates it."""
        object_id = self._free.pop() if self._free else self._next
        if object_id == self._next:
            self._next += 1
        self._objects[object_id] = _Object(interface, handler)
        return object_id

    def send(self, *messages: Message) -> None:
        """Has requests sent. Raises ConnectionEnded; fds are duplicated, and stay the caller's."""
        if self.over is not None:
            raise self.over
        for message in messages:
            fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 0) for fd in message.fds]
            last = self._output[-1] if self._output else None
            if last is None or len(last.fds) + len(fds) > MAX_FDS:
                self._output.append(Packet(bytearray(message.data), fds))
            else:
                last.data += message.data
                last.fds += fds

    def destroy(
        self, object_id: int, message: Message, deleted: Callable[[], None] | None = None
    ) -> None:
        """Sends an object's destructor: what comes for it from now on is dropped."""
        self.send(message)
        known = self._objects[object_id]
        known.dead = True
        known.deleted = deleted

    def drop(self, object_id: int) -> None:
        """Forgets an object that the daemon was never told of."""
        if self._objects.pop(object_id, None) is not None:
            self._free.append(object_id)

    def is_alive(self, object_id: int, handler: Callable[[Any], None]) -> bool:
        """Whether the object can be asked for something: numbers are used again."""
        known = self._objects.get(object_id)
        return (
            self.over is None and known is not None and not known.dead and known.handler == handler
        )

    def sync(self) -> Call[None]:
        """Done when the daemon has taken every request before it."""
        call: Call[None] = Call(self)
        callback = self.create(WlCallback.INTERFACE, lambda _: call.resolve(None))
        self.send(WlDisplay.sync(DISPLAY, callback))
        return call

    def packet(self) -> Packet | None:
        """What is to be sent next; `sent` says how much of it was."""
        while self.abandoned:
            object_id, message = self.abandoned.popleft()
            if self.over is None:
                self.destroy(object_id, message)
        return self._output[0] if self._output else None

    def sent(self, count: int) -> None:
        """So many bytes of the packet are sent, and its fds with them."""
        packet = self._output[0]
        for fd in packet.fds:
            os.close(fd)
        packet.fds = []
        del packet.data[:count]
        if not packet.data:
            self._output.popleft()

    # Events in.

    def receive(self, data: bytes, fds: list[int]) -> None:
        """What has come; the fds are the core's. Handlers are called for each event that is whole."""
        if self.over is not None:
            for fd in fds:
                os.close(fd)
            return
        self._fds += fds
        self._input += data
        at = 0
        try:
            while self.over is None:
                header = read_header(self._input, at)
                if header is None:
                    break
                object_id, opcode, size = header
                self._dispatch(object_id, opcode, at + HEADER_SIZE, at + size)
                at += size
        except WireError as error:
            self.end(ConnectionEnded(f"the daemon broke the protocol: {error}"))
        except BaseException:
            # A signal's exception, as a rule: what was heard of this is not known.
            self.end(ConnectionEnded("the connection was interrupted while it was heard"))
            raise
        if self.over is None:
            del self._input[:at]

    def _dispatch(self, object_id: int, opcode: int, at: int, end: int) -> None:
        known = self._objects.get(object_id)
        if known is None or opcode >= len(known.interface.events):
            raise WireError(f"an event that no object takes: {opcode} of {object_id}")
        reader = Reader(self._input, at, end, self._fds)
        event = known.interface.events[opcode](reader)
        reader.finish()
        taken = self._fds[: reader.taken]
        del self._fds[: reader.taken]
        if known.dead:
            for fd in taken:
                os.close(fd)
        else:
            known.handler(event)

    def _display(self, event: WlDisplay.Event) -> None:
        match event:
            case WlDisplay.DeleteIdEvent(id=object_id):
                known = self._objects.pop(object_id, None)
                if known is None:
                    return
                self._free.append(object_id)
                if known.deleted is not None:
                    known.deleted()
            case WlDisplay.ErrorEvent(object_id=object_id, code=code, message=message):
                known = self._objects.get(object_id)
                self.end(
                    ConnectionEnded(
                        f"protocol error: {message}",
                        interface=None if known is None else known.interface.name,
                        code=code,
                        by_daemon=object_id == DISPLAY and code == WlDisplay.Error.implementation,
                    )
                )

    def end(self, error: ConnectionEnded) -> None:
        """The connection is over: who waits is told, and fds that nobody has are closed."""
        if self.over is not None:
            return
        self.over = error
        for fd in self._fds:
            os.close(fd)
        for packet in self._output:
            for fd in packet.fds:
                os.close(fd)
        self._fds.clear()
        self._output.clear()
        self._objects.clear()
        told, self.on_over = self.on_over, None
        if told is not None:
            told(error)
        for call in list(self.waiting):
            call.reject(error)
