"""
A buffer in the hands of a client: what the daemon has said of it, its planes' file descriptors, mappings. What it can be asked
for is in client.py (blocking) and aio.py.

Owns: the fds, until `close` or `release`, but for those that were handed over (`Plane.detach`).
"""

import math
import os
import warnings
import weakref
from collections.abc import Callable
from dataclasses import replace

from ._buffer_object import BufferObject
from ._cuda import CudaMapping, CudaRegion
from ._line import Line
from ._mapping import Mapping
from ._memory import Region, using_fds
from ._operations import Held
from ._requests import BroughtPlane, Imported, ImportedImage, ImportedLinear, Lease, Request
from ._told import Description, News
from ._told_buffer import ToldBuffer
from .errors import BrokerError

MAX_LEASE = 86_400


class BaseBuffer(ToldBuffer):
    """What a buffer is, and its memory."""

    def __init__(
        self,
        held: Held,
        line: Line,
        tell: Callable[["BaseBuffer", News], None],
        asked: Request | Imported | None,
    ) -> None:
        self._told: Description = held.description
        self._tell = tell
        # What was asked for has what the daemon does not tell: for a daemon that imports the memory after its restart.
        self._usage = None if asked is None else asked.usage
        self._lifetime = None if asked is None else asked.lifetime
        self._lasting_name = None if asked is None else asked.lasting_name
        self._gone: BrokerError | None = None
        self._open = True
        #: Whoever takes it out closes the buffer: no other thread does.
        self._end = [None]
        self._have(held.object, line)

    def _have(self, made: BufferObject, line: Line) -> None:
        """It has an object on a connection."""
        self._object = made
        self._line = line
        # The connection knows the object for as long as it is there, and would keep a buffer that nobody has.
        news, replaced = weakref.WeakMethod(self._heard), weakref.WeakMethod(self._replace)

        def on_news(what: News) -> None:
            heard = news()
            if heard is not None:
                heard(what)

        def on_replaced(description: Description) -> None:
            replace = replaced()
            if replace is None:
                description.close()
            else:
                replace(description)

        self._object.on_news = on_news
        self._object.on_replaced = on_replaced

    def __del__(self) -> None:
        if not getattr(self, "_open", False):
            return
        warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
        self._told.close()
        self._object.abandon()

    def __repr__(self) -> str:
        what = self.format or "linear"
        return f"<{type(self).__name__} {self.id} {what} {self.size} bytes of {self.source}>"

    # Its memory.

    def fileno(self) -> int:
        """The first plane's fd, which stays the buffer's to close."""
        return self.planes[0].fileno()

    def detach(self, plane: int = 0) -> int:
        """Hands a plane's fd over: the caller's to close from now on, and good for longer than buffer and connection."""
        self._must_be_open()
        return self.planes[plane].detach()

    def map(
        self, *, memory: int | None = None, plane: int | None = None, write: bool = True
    ) -> Mapping:
        """
        Maps a memory, or the one that a plane lies in: memory 0 by default. It outlives the buffer and the connection. Raises
        ValueError for an opaque_fd, which only a driver can read.
        """
        self._must_be_open()
        if memory is not None and plane is not None:
            raise ValueError("either a plane or a memory is mapped")
        if self.handle_type not in ("dma_buf", "memfd"):
            raise ValueError(f"memory of type {self.handle_type} cannot be mapped")
        if plane is not None:
            if not 0 <= plane < len(self.planes):
                raise ValueError(f"there is no plane {plane}")
            memory = self.planes[plane].memory
        index = 0 if memory is None else memory
        if not 0 <= index < len(self.memories):
            raise ValueError(f"there is no memory {index}")
        with using_fds():
            self._must_be_open()
            here = [each for each in self.planes if each.memory == index and each.is_open]
            if not here:
                raise ValueError(f"the file descriptors of memory {index} were handed over")
            fd = here[0].fileno()
            size = self.memories[index].size
            # No more than its file has, or SIGBUS follows. Some kernels do not say how long a dma_buf is; mmap(2) refuses more.
            file_size = os.fstat(fd).st_size
            if file_size > 0:
                size = min(size, file_size)
            region = Region(fd, size, writable=write, is_dma_buf=self.handle_type == "dma_buf")
        return Mapping(region, self, index)

    def cuda(self, memory: int = 0) -> CudaMapping:
        """
        Maps a memory of the source `cuda` for its GPU, by its POSIX file descriptor (`opaque_fd`, alone or beside a dma_buf).
        It outlives the buffer and the connection. Raises OSError without NVIDIA's driver, CudaError where that refuses.
        """
        self._must_be_open()
        if self.source != "cuda" or self.device is None or "opaque_fd" not in self.handle_types:
            kinds = " and ".join(self.handle_types)
            raise ValueError(f"{kinds} of {self.source} is no memory that CUDA takes")
        if not 0 <= memory < len(self.memories):
            raise ValueError(f"there is no memory {memory}")
        here = next(each for each in self.planes if each.memory == memory)
        plane = here.further.get("opaque_fd", here)
        with using_fds():
            region = CudaRegion(plane.fileno(), self.memories[memory].size, self.device)
        return CudaMapping(region, memory)

    # For the clients.

    def _must_be_open(self) -> None:
        if not self._open:
            raise ValueError("the buffer is closed")

    def _link(self) -> BufferObject:
        """Its object, to ask for something."""
        self._must_be_open()
        if self._gone is not None:
            raise self._gone
        if self._object.core.over is not None:
            raise self._object.core.over
        return self._object

    def _shut(self) -> BufferObject | None:
        """Drops the fds; what is left is to tell the daemon. None: another thread does."""
        self._open = False
        try:
            self._end.pop()
        except IndexError:
            return None
        self._told.close()
        return self._object

    def _heard(self, news: News) -> None:
        self._tell(self, news)

    def _replace(self, description: Description) -> None:
        """It has other memory: mappings of the old one stay what they are."""
        if not self._open:
            description.close()
            return
        self._told.close()
        self._told = description

    # For a new connection.

    def _brought(self) -> Imported | None:
        """Its memory, for a daemon that does not have it (any more); None where it cannot be sent, or is not here."""
        planes = self.planes
        if self.handle_type not in ("dma_buf", "memfd") or not all(each.is_open for each in planes):
            return None
        left = self.lease_seconds_left
        lifetime = self._lifetime
        if left is not None:
            lifetime = Lease(min(MAX_LEASE, max(1, math.ceil(left))))
        elif isinstance(lifetime, Lease):
            lifetime = None
        brought = [BroughtPlane(each.fileno(), each.offset, each.stride) for each in planes]
        usage, device = self._usage, self.device
        if self.format is None:
            return ImportedLinear(
                self.size,
                brought,
                usage=usage,
                device=device,
                lifetime=lifetime,
                lasting_name=self._lasting_name,
            )
        if self.format.startswith("0x") or self.width is None or self.height is None:
            return None
        return ImportedImage(
            self.width,
            self.height,
            self.format,
            brought,
            self.modifier or 0,
            usage=usage,
            device=device,
            lifetime=lifetime,
            lasting_name=self._lasting_name,
        )

    def _taken_up(self, held: Held, line: Line) -> bool:
        """A new connection has it; the fds that there are stay. Whether it was imported anew."""
        told = held.description
        told.close()
        self._have(held.object, line)
        if told.id == self.id:
            # Where it was re-issued meanwhile its planes are still those that it has: `reissue` gets the new ones.
            return False
        for own, new in zip(self.planes, told.planes, strict=True):
            own.memory, own.offset, own.stride = new.memory, new.offset, new.stride
        self._told = replace(told, planes=self.planes)
        return True

    def _refused(self, why: BrokerError) -> None:
        """It could not be had again."""
        self._gone = why
