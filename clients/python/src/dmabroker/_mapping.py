"""A buffer's mapping as its user has it: bytes, planes and tensors, without a copy."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ._formats_gen import FORMATS
from ._memory import DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, Region
from ._tensor import DType, Tensor

if TYPE_CHECKING:
    from ._buffer import BaseBuffer


class Mapping:
    """
    One memory of a buffer, mapped whole. Use it with `with`, or `close` it; views, arrays and tensors that were made of it stay
    good for as long as somebody has them, and the pages are unmapped with the last.
    """

    def __init__(self, region: Region, buffer: "BaseBuffer", memory: int) -> None:
        self._region: Region | None = region
        # What is said of the buffer may change when it is re-issued: this is about the memory that is mapped.
        self._format = buffer.format
        self._modifier = buffer.modifier
        self._width = buffer.width or 0
        self._height = buffer.height or 0
        self._planes = [(each.memory, each.offset, each.stride) for each in buffer.planes]
        #: Which of the buffer's memories it is.
        self.memory = memory

    def _mapped(self) -> Region:
        if self._region is None:
            raise ValueError("the mapping is closed")
        return self._region

    def __len__(self) -> int:
        return self._mapped().size

    @property
    def view(self) -> memoryview:
        """The bytes. Of a dma_buf a device may see or show others, unless it is looked at in `reading` or `writing`."""
        return self._mapped().view()

    def reading(self) -> AbstractContextManager[memoryview]:
        """The bytes, between DMA_BUF_IOCTL_SYNC's start and end for reading. A memfd needs none of that."""
        return self._mapped().cpu_access(DMA_BUF_SYNC_READ)

    def writing(self) -> AbstractContextManager[memoryview]:
        """The bytes, between DMA_BUF_IOCTL_SYNC's start and end for reading and writing."""
        region = self._mapped()
        if not region.writable:
            raise ValueError("the memory is mapped for reading alone")
        return region.cpu_access(DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)

    def tensor(
        self,
        dtype: DType = "uint8",
        shape: tuple[int, ...] | None = None,
        *,
        offset: int = 0,
        strides: tuple[int, ...] | None = None,
    ) -> Tensor:
        """
        An array of elements from `offset` bytes on: for numpy, torch and whoever takes DLPack. Without a shape it has one
        dimension, to the memory's end; strides are in bytes, and without them it is contiguous.
        """
        return Tensor(self._mapped(), dtype, shape, offset, strides)

    def plane(self, index: int = 0) -> Tensor:
        """
        A plane of an image of linear layout: rows, blocks, and the bytes of a block (which a plane of single bytes leaves
        out): (1080, 1920, 4) of XR24, (1080, 1920) and (540, 960, 2) of NV12.
        """
        if self._format is None:
            raise ValueError("linear memory has no planes: tensor() says what is in it")
        if self._modifier != 0:
            raise ValueError("the bytes of this modifier's layout are its driver's to know")
        known = FORMATS.get(self._format)
        if known is None:
            raise ValueError(f"how {self._format} lies in memory is not known here")
        if not 0 <= index < len(self._planes):
            raise ValueError(f"there is no plane {index}")
        memory, offset, stride = self._planes[index]
        if memory != self.memory:
            raise ValueError(f"plane {index} lies in memory {memory}, and this is {self.memory}")
        hsub, vsub, block_width, size = known[index]
        rows = -(-self._height // vsub)
        blocks = -(-self._width // (hsub * block_width))
        if size == 1:
            return self.tensor("uint8", (rows, blocks), offset=offset, strides=(stride, 1))
        shape = (rows, blocks, size)
        return self.tensor("uint8", shape, offset=offset, strides=(stride, size, 1))

    def close(self) -> None:
        """Forgets the memory; what was made of it stays good."""
        self._region = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
