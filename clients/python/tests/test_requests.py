"""What is no request is found before anything is sent, and what a refusal offers can be asked for."""

import os
import socket
import unittest
from collections.abc import Callable
from unittest import mock

import dmabroker
from dmabroker import (
    Alignment,
    BroughtPlane,
    Image,
    ImportedLinear,
    Lease,
    Linear,
    OwnMemory,
    PlaneLayout,
)
from dmabroker._checks import fourcc, fourcc_name
from dmabroker._paths import find_socket
from dmabroker._requests import request_of

from .support import Case


class Requests(unittest.TestCase):
    def test_what_is_none(self) -> None:
        wrong: list[tuple[type[Exception], str, Callable[[], object]]] = [
            (TypeError, "size", lambda: Linear(size="8192")),  # type: ignore[arg-type]
            (TypeError, "size", lambda: Linear(size=True)),
            (ValueError, "size", lambda: Linear(size=-1)),
            (ValueError, "size", lambda: Linear(size=2**64)),
            (TypeError, "colour", lambda: Linear(size=1, colour="red")),  # type: ignore[call-arg]
            (ValueError, "width", lambda: Image(2**32, 1, "XR24")),
            (ValueError, "format", lambda: Image(1, 1, "RGB")),
            (ValueError, r"modifiers\[1\]", lambda: Image(1, 1, "XR24", modifiers=[0, 2**64])),
            (ValueError, "modifiers", lambda: Image(1, 1, "XR24", modifiers=[])),
            (ValueError, "layout", lambda: Image(1, 1, "XR24", layout=[PlaneLayout(0, 4)] * 5)),
            (ValueError, "handle_types", lambda: Linear(size=1, handle_types=["dmabuf"])),  # type: ignore[list-item]
            (TypeError, "handle_types", lambda: Linear(size=1, handle_types="dma_buf")),  # type: ignore[arg-type]
            (TypeError, "usage", lambda: Linear(size=1, usage=[])),
            (ValueError, "placement", lambda: Linear(size=1, placement="vram")),  # type: ignore[arg-type]
            (ValueError, "lifetime", lambda: Linear(size=1, lifetime="ever")),  # type: ignore[arg-type]
            (ValueError, "lifetime.seconds", lambda: Linear(size=1, lifetime=Lease(-1))),
            (ValueError, "name", lambda: Linear(size=1, name="a" * 65)),
            (ValueError, "name", lambda: Linear(size=1, name="a\0b")),
            (ValueError, "name", lambda: Linear(size=1, name="\ud800")),
            (ValueError, "lasting_name", lambda: Linear(size=1, lasting_name="a b")),
            (TypeError, "lasting_name", lambda: Linear(size=1, lasting_name=1)),  # type: ignore[arg-type]
            (ValueError, "device", lambda: Linear(size=1, device="0")),
            (ValueError, "alignment.stride", lambda: Linear(size=1, alignment=Alignment(2**32))),
            (ValueError, "planes", lambda: ImportedLinear(size=1, planes=[])),
            (ValueError, "closed|open", lambda: Linear(size=1, memory=OwnMemory(9999))),
            (ValueError, "memory.offset", lambda: Linear(size=1, memory=OwnMemory(0, -1))),
            (
                ValueError,
                "closed|open",
                lambda: ImportedLinear(size=1, planes=[BroughtPlane(9999)]),
            ),
        ]
        for kind, name, make in wrong:
            with self.subTest(name=name), self.assertRaisesRegex(kind, name):
                make()

    def test_a_socket_is_no_memory(self) -> None:
        with socket.socket() as one, self.assertRaisesRegex(ValueError, "socket"):
            ImportedLinear(size=1, planes=[BroughtPlane(one.fileno())])

    def test_a_format_and_its_number(self) -> None:
        self.assertEqual(fourcc("XR24"), 0x34325258)
        self.assertEqual(fourcc_name(0x34325258), "XR24")
        self.assertEqual(fourcc_name(1), "0x00000001")

    def test_the_words_of_a_refusal(self) -> None:
        words = {
            "kind": "image",
            "width": 64,
            "height": 32,
            "format": "XR24",
            "modifiers": ["0x0100000000000002"],
            "sources": ["vulkan"],
            "lifetime": {"type": "lease", "seconds": 5},
            "layout": [{"offset": 0, "stride": 256}],
            "alignment": {"stride": 256},
        }
        expected = Image(
            64,
            32,
            "XR24",
            modifiers=[0x0100000000000002],
            source="vulkan",
            lifetime=Lease(5),
            layout=[PlaneLayout(0, 256)],
            alignment=Alignment(256),
        )
        self.assertEqual(request_of(words), expected)


class Where(Case):
    def find(self, **variables: str) -> str:
        with mock.patch.dict(os.environ, variables):
            for name in {"DMABROKER_SOCKET", "XDG_RUNTIME_DIR"} - set(variables):
                os.environ.pop(name, None)
            return find_socket()

    def test_the_rule(self) -> None:
        system = "/run/dmabroker/client.sock"
        self.assertEqual(self.find(DMABROKER_SOCKET="/a/b"), "/a/b")
        self.assertEqual(self.find(DMABROKER_SOCKET=""), system)
        self.assertEqual(self.find(XDG_RUNTIME_DIR="relative"), system)
        self.assertEqual(self.find(XDG_RUNTIME_DIR="/nonexistent"), system)

    def test_nobody_is_there(self) -> None:
        with self.assertRaises(FileNotFoundError):
            dmabroker.connect("/nonexistent/client.sock")


if __name__ == "__main__":
    unittest.main()
