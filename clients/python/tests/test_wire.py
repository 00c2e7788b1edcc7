"""The wire format and the core, without a socket."""

import os
import struct
import unittest

from dmabroker._calls import Call
from dmabroker._core import Core
from dmabroker._dmabroker_gen import DmabrokerBufferV1, DmabrokerManagerV1, DmabrokerParamsV1
from dmabroker._wayland_gen import WlCallback, WlDisplay
from dmabroker._wire import NewId, Reader, WireError, new_id, text
from dmabroker.errors import ConnectionEnded

from .support import Case


def event(object_id: int, opcode: int, body: bytes = b"") -> bytes:
    return struct.pack("=II", object_id, (8 + len(body)) << 16 | opcode) + body


DONE = event(2, 0, struct.pack("=I", 0))


def sent(core: Core) -> bytes:
    data = b""
    while (packet := core.packet()) is not None:
        data += bytes(packet.data)
        core.sent(len(packet.data))
    return data


class Messages(unittest.TestCase):
    def test_words(self) -> None:
        message = DmabrokerParamsV1.set_image(7, 640, 480, 0x34325258)
        self.assertEqual(message.data, struct.pack("=5I", 7, 20 << 16 | 2, 640, 480, 0x34325258))

    def test_a_text_is_padded_and_ends_with_a_nul(self) -> None:
        self.assertEqual(text("abc"), b"\4\0\0\0abc\0" if struct.pack("=I", 4)[0] else text("abc"))
        self.assertEqual(len(text("abcd")), 12)
        data = new_id(NewId("wl", 1, 9))
        reader = Reader(data, 0, len(data), [])
        self.assertEqual([reader.string(), reader.uint(), reader.uint()], ["wl", 1, 9])
        reader.finish()

    def test_a_message_that_is_too_long_is_none(self) -> None:
        with self.assertRaisesRegex(ValueError, "4096"):
            DmabrokerParamsV1.set_name(7, "x" * 5000)

    def test_what_is_no_message(self) -> None:
        for body in (b"", b"\1\0\0\0a\0\0\0", b"\3\0\0\0\xff\xfe\0\0", b"\3\0\0\0a\0\0\0"):
            with self.subTest(body=body), self.assertRaises(WireError):
                reader = Reader(body, 0, len(body), [])
                reader.string()
                reader.finish()

    def test_an_fd_that_is_missing(self) -> None:
        with self.assertRaises(WireError):
            Reader(b"", 0, 0, []).fd()

    def test_an_event_of_each_interface_has_a_reader(self) -> None:
        self.assertEqual(len(DmabrokerManagerV1.INTERFACE.events), 5)
        self.assertIs(
            DmabrokerBufferV1.RecallReason(3), DmabrokerBufferV1.RecallReason.lease_expired
        )
        self.assertEqual(DmabrokerManagerV1.Refusal["invalid_token"], 10)
        self.assertRegex(DmabrokerManagerV1.Refusal.__doc__ or "", "^why something was refused\n")


class OfACore(Case):
    def test_a_call_is_answered_byte_by_byte(self) -> None:
        core = Core()
        call = core.sync()
        self.assertEqual(sent(core), WlDisplay.sync(1, 2).data)
        for at in range(len(DONE)):
            self.assertFalse(call.done)
            core.receive(DONE[at : at + 1], [])
        self.assertTrue(call.done)

    def test_a_number_is_used_again_when_the_daemon_has_said_so(self) -> None:
        core = Core()
        core.sync()
        self.assertEqual(core.create(WlCallback.INTERFACE, lambda _: None), 3)
        core.receive(DONE + event(1, 1, struct.pack("=I", 2)), [])
        self.assertEqual(core.create(WlCallback.INTERFACE, lambda _: None), 2)

    def test_a_violation_names_the_interface(self) -> None:
        core = Core()
        call = core.sync()
        core.receive(event(1, 0, struct.pack("=II", 2, 7) + text("wrong")), [])
        assert core.over is not None
        self.assertEqual((core.over.interface, core.over.code), ("wl_callback", 7))
        self.assertTrue(call.done)
        with self.assertRaises(ConnectionEnded):
            core.sync()

    def test_an_event_that_no_object_takes_ends_it_and_its_fds_are_closed(self) -> None:
        core = Core()
        fd = os.memfd_create("test")
        core.receive(event(9, 0), [fd])
        self.assertIsNotNone(core.over)
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_fds_of_a_dead_object_are_closed(self) -> None:
        core = Core()
        made = core.create(DmabrokerBufferV1.INTERFACE, self.fail)
        core.destroy(made, DmabrokerBufferV1.destroy(made))
        fd = os.memfd_create("test")
        core.receive(event(made, 2, struct.pack("=5I", 1, 0, 0, 0, 0)), [fd])
        self.assertIsNone(core.over)
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_an_exception_of_a_signal_in_the_middle_ends_it(self) -> None:
        def interrupted(event: object) -> None:
            raise KeyboardInterrupt

        core = Core()
        core.create(WlCallback.INTERFACE, interrupted)
        with self.assertRaises(KeyboardInterrupt):
            core.receive(DONE, [])
        self.assertIsNotNone(core.over)

    def test_what_is_sent_is_a_duplicate_and_closed(self) -> None:
        core = Core()
        fd = os.memfd_create("test")
        core.send(DmabrokerParamsV1.add_plane(5, fd, 0, 0, 0))
        os.close(fd)
        packet = core.packet()
        assert packet is not None
        os.fstat(packet.fds[0])
        core.sent(4)
        self.assertEqual(packet.fds, [])
        core.end(ConnectionEnded("over"))

    def test_no_packet_has_more_fds_than_one_message_may(self) -> None:
        core = Core()
        with open(os.devnull) as file:
            for _ in range(40):
                core.send(DmabrokerParamsV1.add_plane(5, file.fileno(), 0, 0, 0))
        counts = []
        while (packet := core.packet()) is not None:
            counts.append(len(packet.fds))
            core.sent(len(packet.data))
        self.assertEqual(counts, [28, 12])

    def test_a_call_that_nobody_waits_for_is_not_kept(self) -> None:
        core = Core()
        call: Call[None] = core.sync()
        call.forget()
        self.assertEqual(core.waiting, set())


if __name__ == "__main__":
    unittest.main()
