"""CUDA's memory in this process, by libcuda or its double (test/native/cuda/double), whose device memory the CPU can look at."""

import ctypes
import gc
import os
import unittest

import dmabroker
from dmabroker import _dlpack

from .support import Case

UUIDS = os.environ.get("DMABROKER_TEST_CUDA", "").split()

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def posix(device: str) -> dmabroker.Linear:
    return dmabroker.Linear(1 << 20, source="cuda", device=device, handle_types=["opaque_fd"])


@unittest.skipUnless(UUIDS, "no CUDA here")
class Cuda(Case):
    def setUp(self) -> None:
        super().setUp()
        self.client = dmabroker.connect()
        self.addCleanup(self.client.close)

    def test_memory_of_each_device(self) -> None:
        for ordinal, uuid in enumerate(UUIDS):
            with self.client.allocate(posix(uuid)) as buffer:
                self.assertEqual(buffer.device, uuid)
                mapping = buffer.cuda()
                self.assertEqual(mapping.device, ordinal)
                self.assertEqual(len(mapping), buffer.memories[0].size)
                self.assertEqual(mapping.read(0, 8), bytes(8))
                buffer.fill(0x01020304)
                self.assertEqual(mapping.read(4, 4), b"\x04\x03\x02\x01")
                mapping.write(b"written", 8)
                self.assertEqual(bytes(buffer.read(offset=8, size=7).data), b"written")

    def test_dlpack(self) -> None:
        with self.client.allocate(posix(UUIDS[-1])) as buffer:
            mapping = buffer.cuda()
        mapping.write(bytes(range(64)), 4096)
        tensor = mapping.tensor("float32", (4, 4), offset=4096)
        self.assertEqual(tensor.__dlpack_device__(), (_dlpack.kDLCUDA, len(UUIDS) - 1))
        interface = tensor.__cuda_array_interface__
        self.assertEqual(interface["data"], (mapping.address + 4096, False))
        self.assertEqual((interface["shape"], interface["typestr"]), ((4, 4), "<f4"))
        with self.assertRaises(AttributeError):
            tensor.__array_interface__  # noqa: B018
        with self.assertRaises(BufferError):
            tensor.__dlpack__(copy=True)
        with self.assertRaises(BufferError):
            tensor.__dlpack__(dl_device=(_dlpack.kDLCPU, 0))
        capsule = tensor.__dlpack__(stream=1, max_version=(1, 0))
        address = _pointer(capsule, b"dltensor_versioned")
        managed = _dlpack._ManagedVersioned.from_address(address or 0)
        device = managed.tensor.device
        self.assertEqual((device.device_type, device.device_id), tensor.__dlpack_device__())
        self.assertEqual(managed.tensor.data, mapping.address + 4096)
        del mapping, tensor
        gc.collect()
        # The buffer is closed, and its memory is there for as long as somebody has the capsule.
        self.assertEqual(ctypes.string_at(managed.tensor.data, 4), bytes(range(4)))
        del capsule, managed
        self.assertEqual(_dlpack.lent(), 0)

    def test_what_cuda_does_not_take(self) -> None:
        plain = dmabroker.Linear(8192, handle_types=["memfd"])
        with self.client.allocate(plain) as buffer, self.assertRaises(ValueError):
            buffer.cuda()
        with self.client.allocate(posix(UUIDS[0])) as buffer:
            with self.assertRaises(ValueError):
                buffer.cuda(1)
            with self.assertRaises(ValueError):
                buffer.cuda().read(0, 1 << 30)
            with self.assertRaises(ValueError):
                buffer.map()
