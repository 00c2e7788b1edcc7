"""
CUDA memory of a buffer in this process, by libcuda.so.1 and ctypes: the POSIX file descriptor is imported
(cuMemImportFromShareableHandle) and mapped, so that torch, cupy and whoever takes DLPack has it without a copy.

Owns: of each mapping the handle, the range of addresses and a reference to the device's primary context, until nobody has a
tensor of it. That context is the one that torch and the CUDA runtime use; the caller's current one is left as it is.
"""

import contextlib
import ctypes
import functools
import weakref
from collections.abc import Iterator
from typing import Any, Final

from ._checks import check_whole
from ._dlpack import kDLCUDA
from ._tensor import DType, Tensor
from .errors import Error

CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR: Final = 1
CU_MEM_LOCATION_TYPE_DEVICE: Final = 1
CU_MEM_ACCESS_FLAGS_PROT_READWRITE: Final = 3


class CudaError(Error):
    """A call of CUDA's has failed; `result` is its CUresult."""

    def __init__(self, call: str, result: int, name: str) -> None:
        super().__init__(f"{call}: {name}")
        self.result = result


class _AccessDesc(ctypes.Structure):
    """CUmemAccessDesc"""

    _fields_ = [
        ("location_type", ctypes.c_int),
        ("location_id", ctypes.c_int),
        ("flags", ctypes.c_int),
    ]


_u64 = ctypes.c_uint64
_size = ctypes.c_size_t
_out = ctypes.c_void_p
_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    "cuInit": (ctypes.c_uint,),
    "cuGetErrorName": (ctypes.c_int, _out),
    "cuDeviceGetCount": (_out,),
    "cuDeviceGet": (_out, ctypes.c_int),
    "cuDeviceGetUuid": (_out, ctypes.c_int),
    "cuDevicePrimaryCtxRetain": (_out, ctypes.c_int),
    "cuDevicePrimaryCtxRelease_v2": (ctypes.c_int,),
    "cuCtxGetCurrent": (_out,),
    "cuCtxSetCurrent": (ctypes.c_void_p,),
    "cuCtxSynchronize": (),
    # A file descriptor is a pointer here (cuda.h).
    "cuMemImportFromShareableHandle": (_out, ctypes.c_void_p, ctypes.c_int),
    "cuMemRelease": (_u64,),
    "cuMemAddressReserve": (_out, _size, _size, _u64, _u64),
    "cuMemAddressFree": (_u64, _size),
    "cuMemMap": (_u64, _size, _size, _u64, _u64),
    "cuMemUnmap": (_u64, _size),
    "cuMemSetAccess": (_u64, _size, _out, _size),
    "cuMemcpyDtoH_v2": (_out, _u64, _size),
    "cuMemcpyHtoD_v2": (_u64, _out, _size),
}


class _Cuda:
    """The driver's library, once it is wanted. Raises OSError where it is not installed."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libcuda.so.1")
        for name, arguments in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype = ctypes.c_int
            function.argtypes = arguments
        self.call("cuInit", 0)

    def result(self, name: str, *arguments: Any) -> int:
        answered: int = getattr(self._library, name)(*arguments)
        return answered

    def call(self, name: str, *arguments: Any) -> None:
        result = self.result(name, *arguments)
        if result == 0:
            return
        text = ctypes.c_char_p()
        known = self.result("cuGetErrorName", result, ctypes.byref(text)) == 0 and text.value
        raise CudaError(name, result, text.value.decode() if known and text.value else str(result))

    def out(self, name: str, kind: Any, *arguments: Any) -> int:
        """What a call writes where its first argument points."""
        value = kind()
        self.call(name, ctypes.byref(value), *arguments)
        return int(value.value or 0)

    def ordinal(self, uuid: str) -> int:
        """CUDA's number of the device of that UUID."""
        found = (ctypes.c_ubyte * 16)()
        for ordinal in range(self.out("cuDeviceGetCount", ctypes.c_int)):
            device = self.out("cuDeviceGet", ctypes.c_int, ordinal)
            self.call("cuDeviceGetUuid", found, device)
            if bytes(found).hex() == uuid:
                return ordinal
        raise Error(f"CUDA has no device {uuid} in this process: CUDA_VISIBLE_DEVICES may leave it out")

    @contextlib.contextmanager
    def current(self, context: int) -> Iterator[None]:
        """A context is the thread's current one meanwhile."""
        before = self.out("cuCtxGetCurrent", ctypes.c_void_p)
        self.call("cuCtxSetCurrent", context)
        try:
            yield
        finally:
            self.result("cuCtxSetCurrent", before)


@functools.cache
def _cuda() -> _Cuda:
    return _Cuda()


def _let_go(
    context: int, ordinal: int, size: int, address: int, handle: int, *, mapped: bool
) -> None:
    """What the calls answer is not asked: of a lost device everything fails, and goes with its context."""
    cuda = _cuda()
    with contextlib.suppress(CudaError), cuda.current(context):
        # What somebody has begun may be on its way still.
        cuda.result("cuCtxSynchronize")
        if mapped:
            cuda.result("cuMemUnmap", address, size)
        if address:
            cuda.result("cuMemAddressFree", address, size)
        if handle:
            cuda.result("cuMemRelease", handle)
    cuda.result("cuDevicePrimaryCtxRelease_v2", cuda.out("cuDeviceGet", ctypes.c_int, ordinal))


class CudaRegion:
    """Mapped device memory, for as long as somebody has this."""

    __slots__ = ("__weakref__", "_context", "address", "device", "size", "writable")

    def __init__(self, fd: int, size: int, uuid: str) -> None:
        cuda = _cuda()
        ordinal = cuda.ordinal(uuid)
        device = cuda.out("cuDeviceGet", ctypes.c_int, ordinal)
        context = cuda.out("cuDevicePrimaryCtxRetain", ctypes.c_void_p, device)
        address = handle = 0
        mapped = False
        try:
            with cuda.current(context):
                imported = "cuMemImportFromShareableHandle"
                kind = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
                handle = cuda.out(imported, _u64, fd, kind)
                address = cuda.out("cuMemAddressReserve", _u64, size, 0, 0, 0)
                cuda.call("cuMemMap", address, size, 0, handle, 0)
                mapped = True
                access = _AccessDesc(
                    CU_MEM_LOCATION_TYPE_DEVICE, device, CU_MEM_ACCESS_FLAGS_PROT_READWRITE
                )
                cuda.call("cuMemSetAccess", address, size, ctypes.byref(access), 1)
        except BaseException:
            _let_go(context, ordinal, size, address, handle, mapped=mapped)
            raise
        self._context = context
        self.size = size
        self.address = address
        self.writable = True
        #: As DLPack names it.
        self.device = (kDLCUDA, ordinal)
        end = weakref.finalize(
            self, _let_go, context, ordinal, size, address, handle, mapped=True
        )
        # The driver may have gone by then, and takes all of the process's with it.
        end.atexit = False

    def view(self) -> object:
        """What keeps it."""
        return self

    def read(self, offset: int, size: int) -> bytes:
        content = ctypes.create_string_buffer(size)
        with _cuda().current(self._context):
            _cuda().call("cuMemcpyDtoH_v2", content, self.address + offset, size)
        return content.raw

    def write(self, offset: int, data: bytes) -> None:
        with _cuda().current(self._context):
            _cuda().call("cuMemcpyHtoD_v2", self.address + offset, data, len(data))


class CudaMapping:
    """One memory of a buffer, mapped for its GPU. Tensors that were made of it stay good for as long as somebody has them."""

    def __init__(self, region: CudaRegion, memory: int) -> None:
        self._region = region
        #: Which of the buffer's memories it is.
        self.memory = memory

    def __len__(self) -> int:
        return self._region.size

    @property
    def address(self) -> int:
        """The CUdeviceptr: good for as long as there is this, or a tensor of it."""
        return self._region.address

    @property
    def device(self) -> int:
        """CUDA's number of the GPU in this process."""
        return self._region.device[1]

    def tensor(
        self,
        dtype: DType = "uint8",
        shape: tuple[int, ...] | None = None,
        *,
        offset: int = 0,
        strides: tuple[int, ...] | None = None,
    ) -> Tensor:
        """As that of memory that the CPU maps: for `torch.from_dlpack`, cupy and numba."""
        return Tensor(self._region, dtype, shape, offset, strides)

    def read(self, offset: int = 0, size: int | None = None) -> bytes:
        """A copy of what is there, when everything before it on the default stream is done."""
        whole = len(self)
        check_whole(offset, "offset", 0, whole)
        size = whole - offset if size is None else size
        check_whole(size, "size", 0, whole - offset)
        return self._region.read(offset, size) if size > 0 else b""

    def write(self, data: bytes, offset: int = 0) -> None:
        check_whole(offset, "offset", 0, len(self))
        check_whole(len(data), "data", 0, len(self) - offset)
        if data:
            self._region.write(offset, data)
