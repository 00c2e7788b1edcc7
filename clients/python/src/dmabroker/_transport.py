"""
The socket of a connection: bytes and file descriptors to and from its core. What waits, and how, is the clients' (client.py,
aio.py).

Owns: the socket, until `close`. It belongs to the process that made it: one that was forked gets ForkedError, and its copy of
the socket is closed without a word to the daemon.
"""

import os
import socket as sockets
import time
from array import array
from collections.abc import Callable, Generator

from ._core import Core
from .errors import ConnectionEnded, ForkedError

#: A message of 4,096 bytes comes whole.
RECEIVE_SIZE = 16384
#: What one recvmsg(2) may bring: SCM_MAX_FD of the kernel.
RECEIVE_FDS = 253
#: While too many wait at the socket, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


class Transport:
    def __init__(self, path: str) -> None:
        self.core = Core()
        self.pid = os.getpid()
        self.socket = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC)
        self.socket.setblocking(False)
        self.core.on_over = self._over
        #: Told when the connection is over, before the socket is closed.
        self.when_over: list[Callable[[], None]] = []
        self._path = path

    def connecting(self, ends: float | None) -> Generator[float, None, None]:
        """
        Connects. Where too many wait at the socket, yields how many seconds to pause before it is tried again; at the end of the
        time, which is math.inf for nobody who is in a hurry, raises TimeoutError, and BlockingIOError where there is none (None).
        Raises OSError where nobody can be reached at the path. To be closed where it is given up.
        """
        # Not connect(2) that waits: a signal ends it, and whoever gives it up cannot (a thread would stay in it).
        pause = _FIRST_PAUSE
        try:
            while True:
                try:
                    self.socket.connect(self._path)
                    return
                except BlockingIOError:
                    if ends is None:
                        raise
                if time.monotonic() >= ends:
                    raise TimeoutError("too many others wait to be connected")
                yield min(pause, max(0.0, ends - time.monotonic()))
                pause = min(2 * pause, _LONGEST_PAUSE)
        except BaseException:
            self.core.end(ConnectionEnded("the connection was never made"))
            raise

    def check_process(self) -> None:
        if os.getpid() != self.pid:
            raise ForkedError("the connection is of the process that this one was forked from")

    def flush(self) -> bool:
        """Sends what the socket takes; whether that was all."""
        core = self.core
        try:
            while (packet := core.packet()) is not None:
                rights = [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array("i", packet.fds))]
                core.sent(
                    self.socket.sendmsg(
                        [packet.data], rights if packet.fds else [], sockets.MSG_NOSIGNAL
                    )
                )
        except BlockingIOError:
            return False
        except OSError as error:
            # The daemon may have said why before it hung up.
            while self.receive():
                pass
            # It has not: the request itself cannot be sent, or there is nobody.
            gone = isinstance(error, (BrokenPipeError, ConnectionResetError))
            core.end(ConnectionEnded(f"the daemon cannot be told: {error}", by_daemon=gone))
        except BaseException:
            # A signal's exception: whether this was sent is not known.
            core.end(ConnectionEnded("the connection was interrupted while it was told"))
            raise
        return True

    def receive(self) -> bool:
        """Hears what has come; whether there was anything."""
        core = self.core
        if core.over is not None:
            return False
        try:
            data, messages, flags, _ = self.socket.recvmsg(
                RECEIVE_SIZE, sockets.CMSG_SPACE(RECEIVE_FDS * 4), sockets.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return False
        except OSError as error:
            core.end(ConnectionEnded(f"the daemon has gone: {error}", by_daemon=True))
            return False
        fds = array("i")
        for _, kind, content in messages:
            if kind == sockets.SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
        if flags & sockets.MSG_CTRUNC:
            for fd in fds:
                os.close(fd)
            core.end(ConnectionEnded("file descriptors were lost on the way: too many are open"))
            return False
        if not data:
            core.end(ConnectionEnded("the daemon closed the connection", by_daemon=True))
            return False
        core.receive(data, list(fds))
        return True

    def _over(self, error: ConnectionEnded) -> None:
        for told in self.when_over:
            told()
        if os.getpid() == self.pid:
            # Where a process that was forked has the socket, too, the daemon hears of the end all the same.
            try:
                self.socket.shutdown(sockets.SHUT_RDWR)
            except OSError:
                pass
        self.socket.close()

    def close(self) -> None:
        if self.core.over is None:
            if os.getpid() == self.pid:
                self.flush()
            self.core.end(ConnectionEnded("the connection was closed"))
