"""Mapped memory as bytes, arrays and DLPack's tensors; what is made of it outlives buffer, mapping and client."""

import ctypes
import gc
import importlib
import mmap
import pathlib
import subprocess
import sys
import threading
import unittest
from typing import Any
from unittest import mock

import dmabroker
from dmabroker import _dlpack, _memory
from dmabroker._memory import Region
from dmabroker._tensor import DType

from .support import Case, image, linear, open_fds


def module(name: str) -> Any:
    """None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


np = module("numpy")
torch = module("torch")


class _WithClient(Case):
    def setUp(self) -> None:
        super().setUp()
        self.client = dmabroker.connect()
        self.addCleanup(self.client.close)

    def pages(self) -> int:
        """How many mappings of shared memory this process has."""
        gc.collect()
        lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
        return sum(" rw-s " in line or " r--s " in line for line in lines)


class Mapped(_WithClient):
    def test_views_outlive_all(self) -> None:
        before = self.pages()
        with self.client.allocate(linear(self.client)) as buffer, buffer.map() as mapping:
            view = mapping.view
        self.client.close()
        view[:2] = b"ab"
        self.assertEqual(bytes(view[:3]), b"ab\0")
        self.assertEqual(self.pages(), before + 1)
        del view, mapping
        self.assertEqual(self.pages(), before)

    def test_memory_for_reading(self) -> None:
        with (
            self.client.allocate(linear(self.client)) as buffer,
            buffer.map(write=False) as mapping,
        ):
            with self.assertRaises(TypeError):
                mapping.view[0] = 1
            with self.assertRaisesRegex(ValueError, "reading alone"):
                mapping.writing()
            self.assertTrue(mapping.tensor().readonly)

    def test_what_is_not_there(self) -> None:
        with self.client.allocate(linear(self.client)) as buffer:
            for memory, plane in ((1, None), (None, 1), (0, 0)):
                with self.subTest(memory=memory, plane=plane), self.assertRaises(ValueError):
                    buffer.map(memory=memory, plane=plane)
            mapping = buffer.map()
            with self.assertRaisesRegex(ValueError, "linear"):
                mapping.plane()
            mapping.close()
            with self.assertRaisesRegex(ValueError, "closed"):
                _ = mapping.view

    def test_tensors_lie_in_the_memory(self) -> None:
        with self.client.allocate(linear(self.client, 4096)) as buffer, buffer.map() as mapping:
            size = len(mapping)
            self.assertEqual(mapping.tensor("float32").shape, (size // 4,))
            self.assertEqual(mapping.tensor("int16", (2, 3)).strides, (6, 2))
            wrong: list[tuple[Any, ...]] = [
                ("float32", (size // 4 + 1,), 0, None),
                ("float32", (1,), 2, None),
                ("float32", (1,), size, None),
                ("float32", (2, 2), 0, (8,)),
                ("float32", (2,), 0, (size,)),
                ("complex", (1,), 0, None),
            ]
            for dtype, shape, offset, strides in wrong:
                with self.subTest(dtype=dtype, shape=shape), self.assertRaises(ValueError):
                    mapping.tensor(dtype, shape, offset=offset, strides=strides)

    def test_planes_have_their_shape(self) -> None:
        wanted = {"XR24": [(33, 65, 4)], "NV12": [(33, 65), (17, 33, 2)], "YUYV": [(33, 33, 4)]}
        for fourcc, shapes in wanted.items():
            asked = image(self.client, 65, 33, fourcc)
            with self.client.allocate(asked) as buffer, buffer.map() as mapping:
                tensors = [mapping.plane(index) for index in range(len(buffer.planes))]
                self.assertEqual([each.shape for each in tensors], shapes)
                for tensor, plane in zip(tensors, buffer.planes, strict=True):
                    self.assertEqual(
                        (tensor.offset, tensor.strides[0]), (plane.offset, plane.stride)
                    )

    def test_planes_in_memories_of_their_own(self) -> None:
        asked = image(self.client, 64, 32, "NV12", separate_planes=True)
        with self.client.allocate(asked) as buffer, buffer.map(plane=1) as mapping:
            self.assertEqual(mapping.memory, 1)
            self.assertEqual(mapping.plane(1).shape, (16, 32, 2))
            with self.assertRaisesRegex(ValueError, "memory 0"):
                mapping.plane(0)

    def test_a_capsule_that_nobody_takes(self) -> None:
        before = _dlpack.lent()
        with self.client.allocate(linear(self.client)) as buffer, buffer.map() as mapping:
            capsule = mapping.tensor().__dlpack__(max_version=(1, 0))
            self.assertIn("dltensor_versioned", repr(capsule))
            self.assertEqual(_dlpack.lent(), before + 1)
            del capsule
            self.assertEqual(_dlpack.lent(), before)

    def test_another_thread_closes_the_buffer_while_it_is_mapped(self) -> None:
        buffer = self.client.allocate(linear(self.client))
        closing = threading.Thread(target=buffer.close)
        mapped = _memory._mapped

        def closed_then(fd: int, size: int, writable: bool) -> mmap.mmap:
            closing.start()
            # It waits for us, or is done: then the number is of this file, or of none.
            closing.join(0.1)
            with open("/dev/null", "rb"):
                return mapped(fd, size, writable)

        with mock.patch.object(_memory, "_mapped", closed_then):
            mapping = buffer.map()
        closing.join()
        self.assertEqual(bytes(mapping.view[:4]), bytes(4))
        with self.assertRaises(ValueError):
            buffer.map()

    def test_another_thread_takes_it_while_somebody_looks(self) -> None:
        before = _dlpack.lent()
        with self.client.allocate(linear(self.client)) as buffer, buffer.map() as mapping:
            taken = [mapping.tensor().__dlpack__(max_version=(1, 0))]
        api, is_valid = ctypes.pythonapi, _dlpack._is_valid
        api.PyCapsule_GetPointer.restype = ctypes.c_void_p
        name = ctypes.create_string_buffer(b"used_dltensor_versioned")
        addresses: list[int] = []

        def taken_then(capsule: object, known: bytes) -> int:
            valid = is_valid(capsule, known)
            if taken:
                # What numpy does, in another thread, at the worst moment.
                consumed = ctypes.py_object(taken.pop())
                address = api.PyCapsule_GetPointer(consumed, b"dltensor_versioned")
                addresses.append(address)
                api.PyCapsule_SetName(consumed, name)
            return int(valid)

        with mock.patch.object(_dlpack, "_is_valid", taken_then):
            _dlpack.look()
        self.assertEqual(_dlpack.lent(), before + 1, "whoever has it needs it")
        managed = _dlpack._ManagedVersioned.from_address(addresses[0])
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(managed.deleter)(addresses[0])
        self.assertEqual(_dlpack.lent(), before)

    def test_it_is_given_back_by_c_alone_from_any_thread(self) -> None:
        before, pages = _dlpack.lent(), self.pages()
        name = ctypes.create_string_buffer(b"used_dltensor")
        api = ctypes.pythonapi
        api.PyCapsule_GetPointer.restype = ctypes.c_void_p
        with self.client.allocate(linear(self.client)) as buffer, buffer.map() as mapping:
            capsule = mapping.tensor().__dlpack__()
        as_object = ctypes.py_object(capsule)
        address = api.PyCapsule_GetPointer(as_object, b"dltensor")
        api.PyCapsule_SetName(as_object, name)
        del capsule, as_object, mapping
        self.assertEqual((_dlpack.lent(), self.pages()), (before + 1, pages + 1))
        deleter = _dlpack._Managed.from_address(address).deleter
        assert deleter is not None
        # A function of ctypes's CDLL runs without the interpreter's lock, as a consumer's thread does.
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(deleter)
        thread = threading.Thread(target=call, args=(address,))
        thread.start()
        thread.join()
        gc.collect()
        self.assertEqual(self.pages(), pages, "the garbage collector has looked")
        self.assertEqual(_dlpack.lent(), before)

    def test_what_cannot_be_lent(self) -> None:
        with self.client.allocate(linear(self.client)) as buffer:
            with buffer.map() as mapping:
                tensor = mapping.tensor()
                self.assertEqual(tensor.__dlpack_device__(), (1, 0))
                with self.assertRaises(BufferError):
                    tensor.__dlpack__(dl_device=(2, 0))
                with self.assertRaises(BufferError):
                    tensor.__dlpack__(stream=1)
            with buffer.map(write=False) as mapping:
                with self.assertRaises(BufferError):
                    mapping.tensor().__dlpack__()
                mapping.tensor().__dlpack__(max_version=(1, 0))
                mapping.tensor().__dlpack__(copy=True)

    def test_the_structures_are_those_of_dlpack_h(self) -> None:
        sizes = (_dlpack._Tensor, _dlpack._Managed, _dlpack._ManagedVersioned)
        self.assertEqual([ctypes.sizeof(each) for each in sizes], [48, 64, 80])

    def test_a_mapping_that_fails(self) -> None:
        with self.assertRaises((OSError, ValueError)), open("/proc/self/status") as file:
            Region(file.fileno(), 1 << 20, writable=True, is_dma_buf=False)


@unittest.skipIf(np is None, "numpy is not installed")
class Numpy(_WithClient):
    def test_an_array_is_the_memory(self) -> None:
        with self.client.allocate(image(self.client, 65, 33, "XR24")) as buffer:
            with buffer.map() as mapping:
                pixels = np.asarray(mapping.plane())
                pixels[32, 64] = (1, 2, 3, 4)
                stride = buffer.planes[0].stride
                at = 32 * stride + 64 * 4
                self.assertEqual(buffer.read(offset=0, size=at + 4).data[at:], b"\1\2\3\4")
                self.assertEqual(pixels.shape, (33, 65, 4))
            self.client.close()
            self.assertEqual(pixels[32, 64].tolist(), [1, 2, 3, 4])

    def test_dlpack_outlives_buffer_mapping_and_client(self) -> None:
        lent, fds, pages = _dlpack.lent(), open_fds(), self.pages()
        client = dmabroker.connect()
        buffer = client.allocate(image(client, 65, 33, "NV12"))
        mapping = buffer.map()
        tensor = mapping.plane(1)
        array = np.from_dlpack(tensor)
        with mapping.writing() as memory:
            at = tensor.offset + 16 * tensor.strides[0] + 64
            memory[at : at + 2] = b"\x0a\x0b"
        address = array.__array_interface__["data"][0]
        self.assertEqual(address, tensor.__array_interface__["data"][0], "there is no copy")
        del tensor, mapping, memory
        buffer.close()
        client.close()
        del buffer, client
        self.assertEqual(_dlpack.lent(), lent + 1)
        part = array[16:, 32:]
        del array
        self.assertEqual(part.tolist(), [[[0x0A, 0x0B]]])
        self.assertEqual(self.pages(), pages + 1)
        del part
        self.assertEqual((_dlpack.lent(), open_fds(), self.pages()), (lent, fds, pages))

    def test_a_consumer_that_refuses_raises_its_own_exception(self) -> None:
        lent = _dlpack.lent()
        with self.client.allocate(linear(self.client)) as buffer, buffer.map() as mapping:
            for _ in range(3):
                # numpy has no bfloat16; the capsule is dropped while the exception is on its way.
                with self.assertRaises((RuntimeError, BufferError)):
                    np.from_dlpack(mapping.tensor("bfloat16"))
        self.assertEqual(_dlpack.lent(), lent)

    def test_element_types(self) -> None:
        with self.client.allocate(linear(self.client, 4096)) as buffer, buffer.map() as mapping:
            np.asarray(mapping.tensor("float32"))[:3] = [1, 2.5, -3]
            array = np.from_dlpack(mapping.tensor("float32", (3,)))
            self.assertEqual(array.tolist(), [1, 2.5, -3])
            names: list[DType] = ["int8", "uint16", "int64", "float16", "float64"]
            for name in names:
                tensor = mapping.tensor(name)
                self.assertEqual(np.from_dlpack(tensor).dtype, np.dtype(name))
                self.assertEqual(np.asarray(tensor).dtype, np.dtype(name))

    def test_the_end_of_the_interpreter(self) -> None:
        program = """
import numpy, dmabroker, sys
client = dmabroker.connect()
kind = "memfd" if not any(s.usable and s.handle_type == "dma_buf" for s in client.broker.sources) else "dma_buf"
buffer = client.allocate(dmabroker.Linear(4096, handle_types=[kind]))
array = numpy.from_dlpack(buffer.map().tensor())
class Last:
    def __del__(self):
        print(array[:2].tolist(), flush=True)
numpy.last = Last()
sys.modules["kept"] = array
"""
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        self.assertEqual((run.returncode, run.stdout), (0, "[0, 0]\n"), run.stderr)


@unittest.skipIf(torch is None, "torch is not installed")
class Torch(_WithClient):
    def test_a_tensor_is_the_memory(self) -> None:
        lent = _dlpack.lent()
        with self.client.allocate(linear(self.client, 4096)) as buffer, buffer.map() as mapping:
            tensor = torch.from_dlpack(mapping.tensor("float32", (4, 4)))
            tensor.fill_(1.5)
            half = torch.from_dlpack(mapping.tensor("bfloat16", (2,)))
            self.assertEqual(half.dtype, torch.bfloat16)
        self.client.close()
        self.assertEqual(tensor.sum().item(), 24)
        del tensor, half
        gc.collect()
        self.assertEqual(_dlpack.lent(), lent)


if __name__ == "__main__":
    unittest.main()
