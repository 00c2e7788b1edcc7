"""
Memory of a buffer in this process: the file descriptors of its planes, and mappings, with the calls that keep caches
coherent.

Owns: a plane its fd, until `close` or `detach`; a region its pages and an fd to synchronise with, until nobody has a view of it.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

#: <linux/dma-buf.h>: `_IOW('b', 0, struct dma_buf_sync)`, of one u64.
DMA_BUF_IOCTL_SYNC = 0x4008_6200
DMA_BUF_SYNC_READ = 1
DMA_BUF_SYNC_WRITE = 2
DMA_BUF_SYNC_START = 0
DMA_BUF_SYNC_END = 4


class _Buffer(ctypes.Structure):
    """Py_buffer, of the stable ABI since Python 3.11."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.restype = ctypes.c_int
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.restype = None
_release_buffer.argtypes = [ctypes.POINTER(_Buffer)]


def _address_of(pages: mmap.mmap) -> int:
    """Where they are; good for as long as they are mapped."""
    buffer = _Buffer()
    _get_buffer(pages, buffer, 0)
    address = buffer.buf
    _release_buffer(buffer)
    assert address is not None
    return int(address)


_numbers = threading.RLock()


def _after_fork() -> None:
    global _numbers
    # Whichever thread had it has stayed in the other process.
    _numbers = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def using_fds() -> Iterator[None]:
    """Nobody closes a plane's fd meanwhile: another thread could, and the number would be another file's by then."""
    with _numbers:
        yield


class Plane:
    """A memory plane: which memory it lies in, where, and a file descriptor of that memory."""

    __slots__ = ("__weakref__", "_fd", "further", "memory", "offset", "stride")

    def __init__(self, fd: int, memory: int, offset: int, stride: int) -> None:
        self._fd = fd
        #: The same plane as other types of fd, by their names, where the buffer was made as several.
        self.further: dict[str, Plane] = {}
        self.memory = memory
        self.offset = offset
        self.stride = stride

    def fileno(self) -> int:
        """The fd, which stays the buffer's to close. Raises ValueError where it is not here any more."""
        if self._fd < 0:
            raise ValueError("the plane's file descriptor is closed, or was handed over")
        return self._fd

    def detach(self) -> int:
        """Hands the fd over: it is the caller's to close from now on."""
        with using_fds():
            fd = self.fileno()
            self._fd = -1
            return fd

    @property
    def is_open(self) -> bool:
        return self._fd >= 0

    def close(self) -> None:
        with using_fds():
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)
        for each in self.further.values():
            each.close()

    def __repr__(self) -> str:
        where = f"memory={self.memory}, offset={self.offset}, stride={self.stride}"
        return f"<Plane fd={self._fd} {where}>"


def sync(fd: int, flags: int) -> None:
    """DMA_BUF_IOCTL_SYNC, repeated where it is interrupted, as the header demands."""
    argument = struct.pack("=Q", flags)
    while True:
        try:
            fcntl.ioctl(fd, DMA_BUF_IOCTL_SYNC, argument)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise


def _mapped(fd: int, size: int, writable: bool) -> mmap.mmap:
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    # Python has a duplicate of the fd in each mapping, and can do without from 3.13 on.
    if sys.version_info >= (3, 13):
        return mmap.mmap(fd, size, mmap.MAP_SHARED, protection, trackfd=False)
    return mmap.mmap(fd, size, mmap.MAP_SHARED, protection)


class Region:
    """Mapped pages. They stay for as long as somebody has this, or a view of its memory."""

    __slots__ = ("__weakref__", "_pages", "address", "size", "sync_fd", "writable")

    #: As DLPack names it: the CPU.
    device = (1, 0)

    def __init__(self, fd: int, size: int, *, writable: bool, is_dma_buf: bool) -> None:
        self._pages = _mapped(fd, size, writable)
        self.address = _address_of(self._pages)
        if self.address & 0xFFFF_FFFF == 0:
            # DLPack before 1.0 cannot be lent what is there (_dlpack.py): the next place, while this one is taken.
            first, self._pages = self._pages, _mapped(fd, size, writable)
            self.address = _address_of(self._pages)
            first.close()
        self.size = size
        self.writable = writable
        self.sync_fd: int | None = None
        if is_dma_buf:
            # The plane's fd may be closed, or handed over, before the mapping is.
            self.sync_fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 0)
            weakref.finalize(self, os.close, self.sync_fd).atexit = False

    def view(self) -> memoryview:
        """All of it, as bytes; it can be written to where it was mapped so."""
        return memoryview(self._pages)

    @contextmanager
    def cpu_access(self, flags: int) -> Iterator[memoryview]:
        view = self.view()
        if self.sync_fd is None:
            yield view
            return
        sync(self.sync_fd, DMA_BUF_SYNC_START | flags)
        try:
            yield view
        finally:
            sync(self.sync_fd, DMA_BUF_SYNC_END | flags)
