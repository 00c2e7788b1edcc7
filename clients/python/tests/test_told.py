"""Events of a buffer, gathered by the core without a socket: of a later daemon, and of one that is out of order."""

import json
import os
import struct
import unittest
from collections.abc import Coroutine
from typing import Any

import dmabroker
from dmabroker._buffer_object import BufferObject
from dmabroker._core import Core
from dmabroker._dmabroker_gen import DmabrokerBufferV1
from dmabroker._told import Description
from dmabroker._wire import Message, text

from .support import Case

INFO, MEMORY, PLANE, DONE, LONG_DETAIL, FAILED, RELEASED = range(7)
RECALL, LEASE, LEASE_REFUSED = 12, 13, 14


class Told(Case):
    def setUp(self) -> None:
        super().setUp()
        self.core = Core()
        self.object = BufferObject(self.core)
        self.addCleanup(lambda: self.core.end(dmabroker.ConnectionEnded("over")))

    def hear(self, opcode: int, *values: int | str, fds: tuple[int, ...] = ()) -> None:
        parts = [
            text(each) if isinstance(each, str) else struct.pack("=I", each) for each in values
        ]
        body = b"".join(parts)
        header = struct.pack("=II", self.object.id, (8 + len(body)) << 16 | opcode)
        self.core.receive(header + body, list(fds))

    def begin(self) -> Coroutine[Any, None, Description]:
        asked = self.object.receive(lambda: self.core.send(Message(b"")))
        asked.send(None)
        return asked

    def end(self, asked: Coroutine[Any, None, Description]) -> Description:
        with self.assertRaises(StopIteration) as ended:
            asked.send(None)
        description: Description = ended.exception.value
        return description

    def describe(self, *, kind: int = 4, generation: int = 1) -> list[int]:
        fds = [os.memfd_create("test") for _ in range(3)]
        self.hear(INFO, "aaaa", generation, kind, "later", 0, 4096, 0, 0, 0, 0, 0)
        self.hear(MEMORY, 0, 0, 4096)
        self.hear(PLANE, kind, 0, 0, 0, 0, fds=(fds[0],))
        # The same plane again, and one of another kind: they are closed.
        self.hear(PLANE, kind, 0, 0, 0, 0, fds=(fds[1],))
        self.hear(PLANE, kind * 2, 0, 0, 0, 0, fds=(fds[2],))
        self.hear(DONE)
        return fds

    def test_words_that_are_not_known_are_survived(self) -> None:
        asked = self.begin()
        fds = self.describe(kind=64)
        told = self.end(asked)
        self.assertEqual((told.handle_type, told.source), ("unknown", "later"))
        self.assertEqual([each.fileno() for each in told.planes], fds[:1])
        for closed in fds[1:]:
            with self.assertRaises(OSError):
                os.fstat(closed)
        self.hear(RECALL, 99, 5)
        self.hear(RELEASED, 99)
        assert self.object.state.recalled is not None
        self.assertEqual(self.object.state.recalled.reason, "unknown")
        self.assertEqual(self.object.state.released, "unknown")
        self.hear(RECALL, 0, 0)
        self.assertIsNone(self.object.state.recalled)
        told.close()

    def refused(self, asked: Coroutine[Any, None, Description]) -> dmabroker.BrokerError:
        with self.assertRaises(dmabroker.BrokerError) as error:
            asked.send(None)
        return error.exception

    def test_a_code_that_is_not_known_is_internal(self) -> None:
        asked = self.begin()
        self.hear(FAILED, 999, "of a later daemon", "{}")
        error = self.refused(asked)
        self.assertEqual((error.code, str(error)), ("internal", "of a later daemon"))

    def test_a_detail_that_is_no_json(self) -> None:
        asked = self.begin()
        self.hear(FAILED, 1, "wrong", "{")
        self.assertEqual(self.refused(asked).refusal, {})

    def test_a_long_detail_takes_the_place_of_the_short_one(self) -> None:
        long = json.dumps({"constraint": "modifiers", "possible": list(range(2000))}).encode()
        for size, constraint in ((len(long), "modifiers"), (len(long) + 1, "short")):
            with self.subTest(size=size):
                self.object = BufferObject(self.core)
                asked = self.begin()
                fd = os.memfd_create("test")
                os.write(fd, long)
                self.hear(LONG_DETAIL, size, fds=(fd,))
                self.hear(FAILED, 3, "no such modifier", '{"constraint": "short"}')
                self.assertEqual(self.refused(asked).refusal["constraint"], constraint)
                with self.assertRaises(OSError):
                    os.fstat(fd)

    def test_done_before_info(self) -> None:
        asked = self.begin()
        self.hear(DONE)
        with self.assertRaisesRegex(dmabroker.ConnectionEnded, "before info"):
            asked.send(None)

    def test_the_connection_ends_between_plane_and_done(self) -> None:
        asked = self.begin()
        fd = os.memfd_create("test")
        self.hear(INFO, "aaaa", 1, 4, "memfd", 0, 4096, 0, 0, 0, 0, 0)
        self.hear(PLANE, 4, 0, 0, 0, 0, fds=(fd,))
        self.core.end(dmabroker.ConnectionEnded("over"))
        with self.assertRaises(dmabroker.ConnectionEnded):
            asked.send(None)
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_given_up_after_the_answer_has_come(self) -> None:
        asked = self.begin()
        fds = self.describe()
        with self.assertRaises(KeyboardInterrupt):
            asked.throw(KeyboardInterrupt())
        with self.assertRaises(OSError):
            os.fstat(fds[0])
        packet = self.core.packet()
        assert packet is not None
        self.assertEqual(bytes(packet.data), DmabrokerBufferV1.destroy(self.object._id).data)

    def test_leases_are_answered_in_their_order(self) -> None:
        first, second = (self.object.lease(Message(b"")) for _ in range(2))
        first.send(None)
        second.send(None)
        self.hear(LEASE, 5, 0)  # Somebody else's.
        self.hear(LEASE, 9, 1)
        self.hear(LEASE_REFUSED, 11, "not yours", "{}")
        with self.assertRaises(StopIteration):
            first.send(None)
        with self.assertRaises(dmabroker.BrokerError) as refused:
            second.send(None)
        self.assertEqual(refused.exception.code, "permission_denied")


if __name__ == "__main__":
    unittest.main()
