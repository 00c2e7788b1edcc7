"""
Mapped memory as an array, for those who know one of the ways in which arrays are handed on: DLPack (the array API standard,
`numpy.from_dlpack`, `torch.from_dlpack`), numpy's array interface, and Python's buffers.
"""

import ctypes
from math import prod
from typing import Any, Final, Literal, Protocol, TypeAlias

from . import _dlpack
from ._checks import check_whole


class Pages(Protocol):
    """Mapped memory: the CPU's (_memory.py), or a GPU's (_cuda.py)."""

    address: int
    size: int
    writable: bool

    @property
    def device(self) -> tuple[int, int]:
        """As DLPack names it."""

    def view(self) -> object:
        """What keeps it mapped."""


DType: TypeAlias = Literal[
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
]

#: By name: DLPack's code, bytes, and the kind of numpy's array interface ("" where numpy has no such type).
_DTYPES: Final[dict[str, tuple[int, int, str]]] = {
    "bool": (_dlpack.kDLBool, 1, "b"),
    "int8": (_dlpack.kDLInt, 1, "i"),
    "int16": (_dlpack.kDLInt, 2, "i"),
    "int32": (_dlpack.kDLInt, 4, "i"),
    "int64": (_dlpack.kDLInt, 8, "i"),
    "uint8": (_dlpack.kDLUInt, 1, "u"),
    "uint16": (_dlpack.kDLUInt, 2, "u"),
    "uint32": (_dlpack.kDLUInt, 4, "u"),
    "uint64": (_dlpack.kDLUInt, 8, "u"),
    "float16": (_dlpack.kDLFloat, 2, "f"),
    "bfloat16": (_dlpack.kDLBfloat, 2, ""),
    "float32": (_dlpack.kDLFloat, 4, "f"),
    "float64": (_dlpack.kDLFloat, 8, "f"),
}


def strides_of(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Those of a contiguous array, in bytes."""
    return tuple(size * prod(shape[dimension + 1 :]) for dimension in range(len(shape)))


class Tensor:
    """An array in mapped memory. It keeps the pages; so does whoever has taken it over by one of the protocols."""

    __slots__ = ("__weakref__", "_region", "dtype", "itemsize", "offset", "shape", "strides")

    def __init__(
        self,
        region: Pages,
        dtype: DType,
        shape: tuple[int, ...] | None,
        offset: int,
        strides: tuple[int, ...] | None,
    ) -> None:
        if dtype not in _DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, and is {dtype!r}")
        _, self.itemsize, _ = _DTYPES[dtype]
        check_whole(offset, "offset", 0, region.size)
        if shape is None:
            shape = ((region.size - offset) // self.itemsize,)
        for extent in shape:
            check_whole(extent, "shape", 0, region.size)
        if strides is None:
            strides = strides_of(shape, self.itemsize)
        if len(strides) != len(shape):
            raise ValueError("shape and strides must have as many dimensions")
        for stride in strides:
            check_whole(stride, "strides", 0, region.size)
        if any(each % self.itemsize for each in (offset, *strides)):
            raise ValueError(f"offset and strides must be multiples of {self.itemsize} bytes")
        self._region = region
        self.dtype: DType = dtype
        self.shape = shape
        #: In bytes.
        self.strides = strides
        #: Bytes from the start of the memory.
        self.offset = offset
        if offset + self._extent() > region.size:
            raise ValueError(f"an array that ends behind the memory's {region.size} bytes")

    def __repr__(self) -> str:
        return f"<Tensor {self.dtype} {self.shape} strides={self.strides}>"

    @property
    def readonly(self) -> bool:
        return not self._region.writable

    @property
    def __array_interface__(self) -> dict[str, Any]:
        if not self._is_cpus:
            raise AttributeError("numpy has arrays in the CPU's memory alone")
        return self._interface()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self._is_cpus:
            raise AttributeError("the memory is the CPU's")
        # Nothing of this library's is on its way on any stream.
        return {**self._interface(), "stream": None}

    def _interface(self) -> dict[str, Any]:
        _, size, kind = _DTYPES[self.dtype]
        if kind == "":
            raise AttributeError(f"numpy has no {self.dtype}")
        order = "|" if size == 1 else "<" if _dlpack.IS_LITTLE else ">"
        return {
            "version": 3,
            "shape": self.shape,
            "strides": self.strides,
            "typestr": f"{order}{kind}{size}",
            "data": (self._region.address + self.offset, self.readonly),
        }

    @property
    def _is_cpus(self) -> bool:
        return self._region.device[0] == _dlpack.kDLCPU

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._region.device

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """
        A capsule for one consumer, who has the pages until it calls the deleter. BufferError where it cannot be had so: on
        another device, or memory that is mapped for reading and a consumer of a DLPack before 1.0, which cannot say that.
        """
        # Of a GPU's memory: whatever the consumer's stream is, nothing of this library's is on its way.
        if stream is not None and self._is_cpus:
            raise BufferError("memory of the CPU has no stream")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            whose = "the CPU's" if self._is_cpus else f"GPU {self.__dlpack_device__()[1]}'s"
            raise BufferError(f"the memory is {whose}")
        if copy and not self._is_cpus:
            raise BufferError("a GPU's memory is not copied here: copy what is made of it")
        versioned = max_version is not None and max_version[0] >= 1
        if self.readonly and not copy and not versioned:
            raise BufferError("this DLPack cannot say that memory is mapped for reading alone")
        owner: object = self._region.view()
        data, flags = self._region.address + self.offset, 0
        if copy:
            content = ctypes.create_string_buffer(self._extent())
            ctypes.memmove(content, data, len(content))
            owner, data = content, ctypes.addressof(content)
            flags = _dlpack.DLPACK_FLAG_BITMASK_IS_COPIED
        elif self.readonly:
            flags = _dlpack.DLPACK_FLAG_BITMASK_READ_ONLY
        code, size, _ = _DTYPES[self.dtype]
        strides = tuple(each // size for each in self.strides)
        device = self.__dlpack_device__()
        lent = _dlpack.Lent(owner, data, code, 8 * size, self.shape, strides, flags, device)
        return _dlpack.lend(lent, versioned=versioned)

    def _extent(self) -> int:
        """Bytes from its first element to its last one."""
        if 0 in self.shape:
            return 0
        pairs = zip(self.shape, self.strides, strict=True)
        return sum((extent - 1) * stride for extent, stride in pairs) + self.itemsize
