"""What the daemon has told of a buffer, and what has become of it."""

import time
from typing import Any

from ._buffer_object import BufferObject
from ._dmabroker_gen import HandleTypeName, ReleaseReasonName, UsageName
from ._lasting import Committed
from ._memory import Plane
from ._told import Checked, Description, FellBack, Memory, Recall, Unknown, VulkanMemory
from .errors import BrokerError


class ToldBuffer:
    """Properties alone: _buffer.py has what may be done with it."""

    _told: Description
    _object: BufferObject
    _gone: BrokerError | None
    _open: bool

    # What it is.

    @property
    def id(self) -> str:
        return self._told.id

    @property
    def generation(self) -> int:
        """One more each time that its memory was lost and made anew."""
        return self._told.generation

    @property
    def handle_type(self) -> HandleTypeName | Unknown:
        return self._told.handle_type

    @property
    def handle_types(self) -> tuple[str, ...]:
        """All that its planes are: the first is that of their fd, the others are in `plane.further`."""
        return (self.handle_type, *self.planes[0].further)

    @property
    def source(self) -> str:
        return self._told.source

    @property
    def size(self) -> int:
        """Bytes of all memories together; `memories` says what of each can be mapped."""
        return self._told.size

    @property
    def format(self) -> str | None:
        """A DRM fourcc; None for linear memory, as are `modifier`, `width` and `height`."""
        return self._told.format

    @property
    def modifier(self) -> int | None:
        return self._told.modifier

    @property
    def width(self) -> int | None:
        return self._told.width

    @property
    def height(self) -> int | None:
        return self._told.height

    @property
    def memories(self) -> tuple[Memory, ...]:
        return self._told.memories

    @property
    def planes(self) -> tuple[Plane, ...]:
        """Each has a file descriptor of its own, the buffer's until it is handed over (`detach`)."""
        return self._told.planes

    @property
    def device(self) -> str | None:
        """The UUID of the Vulkan device whose memory it is."""
        return self._told.device

    @property
    def checked(self) -> Checked | None:
        """How it was checked, where it was imported."""
        return self._told.checked

    @property
    def vulkan(self) -> VulkanMemory | None:
        """How a device must import an opaque_fd."""
        return self._told.vulkan

    @property
    def unverified_usage(self) -> tuple[UsageName, ...]:
        return self._told.unverified_usage

    @property
    def fell_back(self) -> FellBack | None:
        """Why it is not of the source that was wanted first; None where it is."""
        return self._told.fell_back

    # What has become of it, as far as the client has heard.

    @property
    def released(self) -> ReleaseReasonName | Unknown | None:
        """Why the daemon let go of it; its fds stay good all the same."""
        return self._object.state.released

    @property
    def recalled(self) -> Recall | None:
        """The daemon asks for it back; None where it does not (any more)."""
        return self._object.state.recalled

    @property
    def lost(self) -> bool:
        """The device was lost, and what this memory holds is undefined: `reissue` replaces it."""
        return self._object.state.lost

    @property
    def lease_seconds_left(self) -> float | None:
        """None where it has no lease."""
        ends = self._object.state.lease_ends
        return None if ends is None else max(0.0, ends - time.monotonic())

    @property
    def committed(self) -> Committed | None:
        """What its writer has published last; None: nothing, or its memory was lost since."""
        return self._object.state.committed

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The document of that: what is where. It comes from who wrote it, and is to be checked as such."""
        return self._object.state.metadata

    @property
    def gone(self) -> BrokerError | None:
        """Why it could not be had again on a new connection (`client.reconnect`): its fds and mappings stay good."""
        return self._gone

    @property
    def closed(self) -> bool:
        return not self._open
