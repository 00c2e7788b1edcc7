"""
What a client may ask for: memory to be allocated, or memory that it brings. What only the daemon can judge is its to refuse;
what would wrap on its way to 32 bits, or be taken for a violation and cost the connection, is found here: TypeError and
ValueError, and nothing was sent.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from ._checks import (
    MAX_BYTES,
    U64,
    all_of,
    check_count,
    check_fd,
    check_text,
    check_u32,
    check_whole,
    fourcc,
    one_of,
)
from ._dmabroker_gen import (
    ContiguousName,
    HandleTypeName,
    LifetimeName,
    PlacementName,
    UsageName,
)

from ._lasting import check_lasting_name

MAX_NAME_BYTES = 64
MAX_MODIFIERS = 256
MAX_PLANES = 4

_UUID = re.compile(r"[0-9a-fA-F]{32}")


def check_handle_types(types: Collection[HandleTypeName] | None) -> None:
    all_of(types, get_args(HandleTypeName), "handle_types")


@dataclass(frozen=True, slots=True)
class Lease:
    """A lifetime: so many seconds, unless it is renewed; whoever is connected."""

    seconds: int


Lifetime: TypeAlias = LifetimeName | Lease


@dataclass(frozen=True, slots=True)
class Alignment:
    """Powers of two that the layout must be multiples of; 0 where nothing is demanded."""

    stride: int = 0
    offset: int = 0
    size: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """Where a plane lies in its memory, in bytes."""

    offset: int
    stride: int


@dataclass(frozen=True, slots=True)
class BroughtPlane:
    """A plane of memory that is brought. `fd` is a dma_buf, and stays the caller's."""

    fd: int
    offset: int = 0
    stride: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    lifetime: Lifetime | None = None
    """`connection` by default."""
    name: str | None = None
    """For people, at most 64 bytes."""
    device: str | None = None
    """The one Vulkan device, by its UUID (`client.devices`)."""
    lasting_name: str | None = None
    """By which other processes `claim` it, unique among the user's; for a lifetime that is not the connection's."""

    def __post_init__(self) -> None:
        if isinstance(self.lifetime, Lease):
            check_u32(self.lifetime.seconds, "lifetime.seconds")
        else:
            one_of(self.lifetime, get_args(LifetimeName), "lifetime")
        if self.name is not None:
            check_text(self.name, "name", 0, MAX_NAME_BYTES)
        if self.lasting_name is not None:
            check_lasting_name(self.lasting_name)
        if self.device is not None and not (
            isinstance(self.device, str) and _UUID.fullmatch(self.device)
        ):
            raise ValueError(
                f"device must be a UUID of 32 hexadecimal digits, and is {self.device!r}"
            )


@dataclass(frozen=True, slots=True)
class OwnMemory:
    """
    A part of a memfd that is sealed with F_SEAL_SHRINK and not against writing; it stays the caller's. The kernel charges
    pages to whoever touches them first: `os.posix_fallocate` takes those that are missing before the daemon does.
    """

    fd: int
    offset: int = 0
    """In bytes, a multiple of a page."""

    def __post_init__(self) -> None:
        check_fd(self.fd, "memory.fd")
        check_whole(self.offset, "memory.offset", 0, MAX_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted(_Terms):
    handle_types: Collection[HandleTypeName] | None = None
    """`dma_buf` alone by default; nothing else is ever substituted."""
    all_handle_types: bool = False
    """Whether the same memory is to be had as all of them, in place of any of them: `buffer.handle_types`."""
    usage: Collection[UsageName] | None = None
    """`transfer` by default."""
    placement: PlacementName | None = None
    """Where the memory must be; anywhere by default."""
    contiguous: ContiguousName | None = None
    """Whether it must be physically contiguous, as devices without an IOMMU want it; `any` by default."""
    source: str | None = None
    """The one source to allocate from, e.g. `dma-heap:system`; by default the daemon chooses."""
    alignment: Alignment | None = None
    memory: OwnMemory | None = None
    """The program's own, in place of the daemon's: a dma_buf is made of it (the source `udmabuf`)."""
    wait_ms: int | None = None
    """Milliseconds to wait for memory where there is none now and may be some later, in place of a refusal."""

    def __post_init__(self) -> None:
        _Terms.__post_init__(self)
        if self.wait_ms is not None:
            check_u32(self.wait_ms, "wait_ms")
        check_handle_types(self.handle_types)
        all_of(self.usage, get_args(UsageName), "usage")
        one_of(self.placement, get_args(PlacementName), "placement")
        one_of(self.contiguous, get_args(ContiguousName), "contiguous")
        if self.source is not None:
            check_text(self.source, "source", 1, 1024)
        if self.alignment is not None:
            for field in ("stride", "offset", "size", "height"):
                check_u32(getattr(self.alignment, field), f"alignment.{field}")


def _check_image(image: "Image | ImportedImage") -> None:
    check_u32(image.width, "width")
    check_u32(image.height, "height")
    fourcc(image.format)


def _check_planes(planes: Sequence[BroughtPlane]) -> None:
    if not 1 <= len(planes) <= MAX_PLANES:
        raise ValueError(f"planes must be 1 to {MAX_PLANES}, and are {len(planes)}")
    for index, plane in enumerate(planes):
        check_u32(plane.offset, f"planes[{index}].offset")
        check_u32(plane.stride, f"planes[{index}].stride")
        check_fd(plane.fd, f"planes[{index}].fd")


@dataclass(frozen=True, slots=True)
class Linear(_Wanted):
    """Linear memory to be allocated: so many bytes."""

    size: int

    def __post_init__(self) -> None:
        check_whole(self.size, "size", 0, MAX_BYTES)
        _Wanted.__post_init__(self)


@dataclass(frozen=True, slots=True)
class Image(_Wanted):
    """A two-dimensional image to be allocated; `format` is a DRM fourcc, e.g. `XR24`."""

    width: int
    height: int
    format: str
    modifiers: Sequence[int] | None = None
    """DRM format modifiers that can be taken; DRM_FORMAT_MOD_LINEAR alone by default."""
    separate_planes: bool = False
    """Each plane in a memory of its own, as multi-planar V4L2 takes them."""
    layout: Sequence[PlaneLayout] | None = None
    """Where each memory plane must lie, with exactly one modifier."""

    def __post_init__(self) -> None:
        _check_image(self)
        if self.modifiers is not None:
            check_count(self.modifiers, "modifiers", MAX_MODIFIERS)
            for index, modifier in enumerate(self.modifiers):
                check_whole(modifier, f"modifiers[{index}]", 0, U64)
        if self.layout is not None:
            check_count(self.layout, "layout", MAX_PLANES)
            for index, place in enumerate(self.layout):
                check_u32(place.offset, f"layout[{index}].offset")
                check_u32(place.stride, f"layout[{index}].stride")
        _Wanted.__post_init__(self)


@dataclass(frozen=True, slots=True)
class ImportedLinear(_Terms):
    """Linear memory that was made elsewhere. Keep its fds open until the call has returned."""

    size: int
    planes: Sequence[BroughtPlane]
    usage: Collection[UsageName] | None = None

    def __post_init__(self) -> None:
        check_whole(self.size, "size", 0, MAX_BYTES)
        _check_planes(self.planes)
        all_of(self.usage, get_args(UsageName), "usage")
        _Terms.__post_init__(self)


@dataclass(frozen=True, slots=True)
class ImportedImage(_Terms):
    """An image that was made elsewhere, of one modifier. Keep its fds open until the call has returned."""

    width: int
    height: int
    format: str
    planes: Sequence[BroughtPlane]
    modifier: int = 0
    usage: Collection[UsageName] | None = None

    def __post_init__(self) -> None:
        _check_image(self)
        check_whole(self.modifier, "modifier", 0, U64)
        _check_planes(self.planes)
        all_of(self.usage, get_args(UsageName), "usage")
        _Terms.__post_init__(self)


Request: TypeAlias = Linear | Image
Imported: TypeAlias = ImportedLinear | ImportedImage


def _lifetime_of(words: Mapping[str, Any]) -> Lifetime:
    if words["type"] == "lease":
        return Lease(words["seconds"])
    known: Literal["connection", "until_released"] = words["type"]
    return known


def request_of(words: Mapping[str, Any]) -> Request:
    """A request in the words of openapi.yaml's CreateBuffer, as a refusal's `nearest` has it."""
    fields = dict(words)
    kind = fields.pop("kind")
    sources = fields.pop("sources", None)
    if sources:
        fields["source"] = sources[0]  # The protocol names one.
    if fields.get("lifetime") is not None:
        fields["lifetime"] = _lifetime_of(fields["lifetime"])
    if fields.get("alignment") is not None:
        fields["alignment"] = Alignment(**fields["alignment"])
    if fields.get("modifiers") is not None:
        fields["modifiers"] = [int(each, 16) for each in fields["modifiers"]]
    if fields.get("layout") is not None:
        fields["layout"] = [PlaneLayout(**each) for each in fields["layout"]]
    return Linear(**fields) if kind == "buffer" else Image(**fields)
