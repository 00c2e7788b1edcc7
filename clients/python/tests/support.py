"""
What the tests share. The daemon is the caller's (test/python/library.test.ts): DMABROKER_SOCKET, DMABROKER_TEST_REST and
DMABROKER_TEST_PID say where it is.
"""

import contextlib
import gc
import http.client
import json
import os
import pathlib
import signal
import socket
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import dmabroker
from dmabroker._dmabroker_gen import HandleTypeName

REST = os.environ.get("DMABROKER_TEST_REST", "")
PID = int(os.environ.get("DMABROKER_TEST_PID", "0"))


def open_fds() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


class Case(unittest.TestCase):
    """Leaves no file descriptor behind."""

    def setUp(self) -> None:
        before = open_fds()
        self.addCleanup(lambda: self.assertEqual(open_fds(), before, "fds are left"))


def handle_types(client: Any) -> list[HandleTypeName]:
    """What can be mapped and is had here: dma_bufs, else memfds."""
    usable = {each.handle_type for each in client.broker.sources if each.usable}
    return ["dma_buf"] if "dma_buf" in usable else ["memfd"]


def linear(client: Any, size: int = 8192, **terms: Any) -> dmabroker.Linear:
    return dmabroker.Linear(size=size, handle_types=handle_types(client), **terms)


def image(client: Any, width: int, height: int, fourcc: str, **terms: Any) -> dmabroker.Image:
    accepted = handle_types(client)
    return dmabroker.Image(width, height, fourcc, handle_types=accepted, **terms)


@contextlib.contextmanager
def full_socket() -> Iterator[str]:
    """A socket that nobody accepts at, where as many wait as may."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = f"{folder}/full.sock"
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(path)
        listening.listen(0)
        while True:
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            try:
                waiting.connect(path)
            except BlockingIOError:
                break
        yield path


class _UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(REST)


def rest(method: str, path: str, body: object = None) -> Any:
    """An administrator's request."""
    connection = _UnixConnection("localhost")
    try:
        if body is None:
            connection.request(method, path)
        else:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse().read()
        return json.loads(answer) if answer else None
    finally:
        connection.close()


def live_buffers() -> list[str]:
    return [each["id"] for each in rest("GET", "/v1/buffers?state=live")]


def eventually(condition: Callable[[], bool], what: str) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"never came true: {what}")


@contextlib.contextmanager
def standing_still() -> Iterator[None]:
    """The daemon answers nothing meanwhile."""
    os.kill(PID, signal.SIGSTOP)

    def stands() -> bool:
        tasks = pathlib.Path(f"/proc/{PID}/task").iterdir()
        return all(") T " in (task / "stat").read_text() for task in tasks)

    try:
        eventually(stands, "every thread of it stands still")
        yield
    finally:
        os.kill(PID, signal.SIGCONT)
