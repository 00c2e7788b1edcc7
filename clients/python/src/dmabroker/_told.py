"""What the daemon says of buffers, and its refusals, in the library's words."""

import json
import os
import stat
import time
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, Literal, TypeAlias

from ._dmabroker_gen import (
    DmabrokerManagerV1,
    FallBackName,
    HandleTypeName,
    ImportCheckName,
    RecallReasonName,
    ReleaseReasonName,
    UsageName,
)
from ._lasting import Committed
from ._memory import Plane
from .errors import BrokerError

#: What a later daemon says and this library does not know (docs/protocol.md, "Versions").
Unknown: TypeAlias = Literal["unknown"]

MAX_LONG_TEXT = 1 << 20


def name_of(enum: type[IntEnum | IntFlag], value: int) -> Any:
    """A value's name, `unknown` for one that there is not."""
    try:
        name = enum(value).name
    except ValueError:
        return "unknown"
    return name if name in enum.__members__ else "unknown"


def usage_names(bits: int) -> tuple[UsageName, ...]:
    known = DmabrokerManagerV1.Usage
    return tuple(bit.name for bit in known if bits & bit)  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory of a buffer: that many bytes of it can be mapped."""

    size: int


@dataclass(frozen=True, slots=True)
class FellBack:
    """Why memory is not of the source that was wanted first."""

    reason: FallBackName | Unknown
    source: str | None
    """The one that had no more; None for another reason."""
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How an import was checked: by the `device`, or its `layout` alone; and why."""

    how: ImportCheckName | Unknown
    reason: str


@dataclass(frozen=True, slots=True)
class VulkanMemory:
    """How a Vulkan device, or CUDA, must import an opaque_fd."""

    memory_type: int
    dedicated: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """The daemon asks for a buffer back."""

    reason: RecallReasonName | Unknown
    deadline: float
    """By time.monotonic()."""

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, slots=True)
class Description:
    """What the daemon has said of a buffer."""

    id: str
    generation: int
    handle_type: HandleTypeName | Unknown
    source: str
    size: int
    format: str | None
    modifier: int | None
    width: int | None
    height: int | None
    memories: tuple[Memory, ...]
    planes: tuple[Plane, ...]
    device: str | None
    checked: Checked | None
    vulkan: VulkanMemory | None
    unverified_usage: tuple[UsageName, ...]
    fell_back: FellBack | None

    def close(self) -> None:
        for plane in self.planes:
            plane.close()


@dataclass(slots=True)
class State:
    """What becomes of a buffer."""

    released: ReleaseReasonName | Unknown | None = None
    recalled: Recall | None = None
    lost: bool = False
    lease_ends: float | None = None
    committed: Committed | None = None
    metadata: dict[str, Any] | None = None


#: What is told of a buffer beside the answers to its own requests.
News: TypeAlias = Literal["released", "recalled", "leased", "lost", "reissued", "committed"]


def read_document(fd: int, size: int) -> dict[str, Any] | None:
    """Takes the fd of a revision's document, and closes it; None where it is none."""
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_size != size or size > MAX_LONG_TEXT:
            return None
        told = json.loads(read_all(fd, size))
        return told if isinstance(told, dict) else None
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)


class Refusals:
    """The refusals of one object: `long_detail`, where the detail is long, and then the event itself."""

    def __init__(self) -> None:
        self._whole: str | None = None

    def long_detail(self, fd: int, size: int) -> None:
        """Takes the fd, and closes it."""
        try:
            about = os.fstat(fd)
            # What is no file of that size could be read for ever, or not at all.
            if stat.S_ISREG(about.st_mode) and about.st_size == size <= MAX_LONG_TEXT:
                self._whole = read_all(fd, size).decode(errors="replace")
        except OSError:
            pass  # The short one will do.
        finally:
            os.close(fd)

    def error(self, code: int, message: str, detail: str) -> BrokerError:
        """A code of a later daemon is `internal`: the message says what it is about."""
        whole, self._whole = self._whole, None
        name = name_of(DmabrokerManagerV1.Refusal, code)
        try:
            told = json.loads(detail if whole is None else whole)
        except ValueError:
            told = None
        refusal = told if isinstance(told, dict) else {}
        return BrokerError("internal" if name == "unknown" else name, message, refusal)


def read_all(fd: int, size: int) -> bytes:
    content = bytearray(size)
    view = memoryview(content)
    at = 0
    while at < size:
        count = os.preadv(fd, [view[at:]], at)
        if count == 0:
            raise OSError(f"the content ends at {at} of {size} bytes")
        at += count
    return bytes(content)
