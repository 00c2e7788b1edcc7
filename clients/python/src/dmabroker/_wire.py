"""
The Wayland wire format: a header of object id and size << 16 | opcode, then arguments in 32-bit words of the
host's byte order; file descriptors travel beside the bytes. The generated modules are written in these words.

Pure: it opens, closes and sends nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Generic, NamedTuple, TypeVar

E_co = TypeVar("E_co", covariant=True)

HEADER_SIZE = 8
MAX_MESSAGE_SIZE = 4096
#: File descriptors of one message (and so of one sendmsg(2)), as libwayland has it.
MAX_FDS = 28

_U32 = Struct("=I")
_HEADER = Struct("=II")
_WORDS = [Struct(f"={2 + count}I") for count in range(8)]


class WireError(Exception):
    """What came is no message of the protocol."""


class Message(NamedTuple):
    """A request as it is sent."""

    data: bytes
    fds: tuple[int, ...] = ()

    def with_fds(self, *fds: int) -> "Message":
        return Message(self.data, fds)


class NewId(NamedTuple):
    """A new object whose interface the message names (wl_registry.bind)."""

    interface: str
    version: int
    id: int


def words(object_id: int, opcode: int, *values: int) -> Message:
    """A request whose arguments are one word each."""
    size = HEADER_SIZE + 4 * len(values)
    return Message(_WORDS[len(values)].pack(object_id, size << 16 | opcode, *values))


def parts(object_id: int, opcode: int, *values: bytes) -> Message:
    """A request of arguments that are written already. Raises ValueError for one that is too long."""
    body = b"".join(values)
    size = HEADER_SIZE + len(body)
    if size > MAX_MESSAGE_SIZE:
        raise ValueError(f"a message of {size} bytes: there may be {MAX_MESSAGE_SIZE}")
    return Message(_HEADER.pack(object_id, size << 16 | opcode) + body)


def word(value: int) -> bytes:
    return _U32.pack(value)


def text(value: str) -> bytes:
    data = value.encode() + b"\0"
    return _U32.pack(len(data)) + data + bytes(-len(data) % 4)


def new_id(value: NewId) -> bytes:
    return text(value.interface) + word(value.version) + word(value.id)


def halves(value: int) -> tuple[int, int]:
    """A 64-bit value as the protocol carries it: high, low."""
    return value >> 32, value & 0xFFFF_FFFF


def joined(high: int, low: int) -> int:
    return high << 32 | low


class Reader:
    """The arguments of one message. `fds` is the list that they are taken from, by `taken`."""

    __slots__ = ("_at", "_data", "_end", "_fds", "taken")

    def __init__(self, data: bytes | bytearray, at: int, end: int, fds: Sequence[int]) -> None:
        self._data = data
        self._at = at
        self._end = end
        self._fds = fds
        #: How many of the fds are this message's.
        self.taken = 0

    def uint(self) -> int:
        at = self._at
        if at + 4 > self._end:
            raise WireError("arguments are cut short")
        self._at = at + 4
        value: int = _U32.unpack_from(self._data, at)[0]
        return value

    def string(self) -> str:
        length = self.uint()
        at = self._at
        end = at + (length + 3 & ~3)
        if length == 0 or end > self._end:
            raise WireError("a string is null or too long")
        self._at = end
        content = bytes(self._data[at : at + length])
        if content.find(0) != length - 1:
            raise WireError("a string does not end with its only NUL")
        try:
            return content[:-1].decode()
        except UnicodeDecodeError as error:
            raise WireError("a string is not UTF-8") from error

    def fd(self) -> int:
        if self.taken >= len(self._fds):
            raise WireError("a file descriptor is missing")
        self.taken += 1
        return self._fds[self.taken - 1]

    def finish(self) -> None:
        if self._at != self._end:
            raise WireError("bytes are left over")


def read_header(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """Object, opcode and size of the message at `at`; None where it has not come whole."""
    if len(data) - at < HEADER_SIZE:
        return None
    object_id, second = _HEADER.unpack_from(data, at)
    size = second >> 16
    if size < HEADER_SIZE or size > MAX_MESSAGE_SIZE or size % 4 != 0:
        raise WireError(f"a message of {size} bytes")
    return None if len(data) - at < size else (object_id, second & 0xFFFF, size)


@dataclass(frozen=True, slots=True)
class Interface(Generic[E_co]):
    """An interface, as far as its client reads it: a function for each event, by its opcode."""

    name: str
    version: int
    events: tuple[Callable[[Reader], E_co], ...]
