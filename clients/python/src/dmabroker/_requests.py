"""
What a client may ask for: memory to be allocated, or memory that it brings. What only the daemon can judge is its to refuse;
what would wrap on its way to 32 bits, or be taken for a violation and cost the connection, is found here: TypeError and
ValueError, and nothing was sent.
"""

import os
import re
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from ._dmabroker_gen import (
    HandleTypeName,
    LifetimeName,
    PlacementName,
    UsageName,
)

U32 = 0xFFFF_FFFF
U64 = 0xFFFF_FFFF_FFFF_FFFF
#: As far as other clients' numbers go (2^53 - 1).
MAX_BYTES = 0x1F_FFFF_FFFF_FFFF
MAX_NAME_BYTES = 64
MAX_MODIFIERS = 256
MAX_PLANES = 4

_UUID = re.compile(r"[0-9a-fA-F]{32}")


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

    def __post_init__(self) -> None:
        if isinstance(self.lifetime, Lease):
            check_u32(self.lifetime.seconds, "lifetime.seconds")
        else:
            _one_of(self.lifetime, get_args(LifetimeName), "lifetime")
        if self.name is not None:
            check_text(self.name, "name", 0, MAX_NAME_BYTES)
        if self.device is not None and not (
            isinstance(self.device, str) and _UUID.fullmatch(self.device)
        ):
            raise ValueError(
                f"device must be a UUID of 32 hexadecimal digits, and is {self.device!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted(_Terms):
    handle_types: Collection[HandleTypeName] | None = None
    """`dma_buf` alone by default; nothing else is ever substituted."""
    usage: Collection[UsageName] | None = None
    """`transfer` by default."""
    placement: PlacementName | None = None
    """Where the memory must be; anywhere by default."""
    source: str | None = None
    """The one source to allocate from, e.g. `dma-heap:system`; by default the daemon chooses."""
    alignment: Alignment | None = None

    def __post_init__(self) -> None:
        _Terms.__post_init__(self)
        _all_of(self.handle_types, get_args(HandleTypeName), "handle_types")
        _all_of(self.usage, get_args(UsageName), "usage")
        _one_of(self.placement, get_args(PlacementName), "placement")
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
            _check_count(self.modifiers, "modifiers", MAX_MODIFIERS)
            for index, modifier in enumerate(self.modifiers):
                check_whole(modifier, f"modifiers[{index}]", 0, U64)
        if self.layout is not None:
            _check_count(self.layout, "layout", MAX_PLANES)
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
        _all_of(self.usage, get_args(UsageName), "usage")
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
        _all_of(self.usage, get_args(UsageName), "usage")
        _Terms.__post_init__(self)


Request: TypeAlias = Linear | Image
Imported: TypeAlias = ImportedLinear | ImportedImage


def check_whole(value: object, name: str, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, and is {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, and is {value}")


def check_u32(value: object, name: str) -> None:
    check_whole(value, name, 0, U32)


def check_text(value: object, name: str, least: int, most: int) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, and is {value!r}")
    if "\0" in value:
        raise ValueError(f"{name} must have no NUL in it")
    try:
        length = len(value.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} must be well-formed Unicode") from error
    if not least <= length <= most:
        raise ValueError(f"{name} must have {least} to {most} bytes, and has {length}")


def check_fd(value: object, name: str) -> None:
    """An fd that is open here and can be sent; the daemon takes a socket for a violation."""
    check_whole(value, name, 0, 0x7FFF_FFFF)
    assert isinstance(value, int)
    try:
        mode = os.fstat(value).st_mode
    except OSError as error:
        raise ValueError(f"{name} must be an open file descriptor, and {value} is none") from error
    if stat.S_ISSOCK(mode):
        raise ValueError(f"{name} must be memory, and {value} is a socket")


def _check_count(values: Sequence[object], name: str, most: int) -> None:
    if not 1 <= len(values) <= most:
        raise ValueError(f"{name} must have 1 to {most} entries, and has {len(values)}")


def _one_of(value: object, known: tuple[str, ...], name: str) -> None:
    if value is not None and value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, and is {value!r}")


def _all_of(values: Collection[object] | None, known: tuple[str, ...], name: str) -> None:
    if values is None:
        return
    # A text is a collection, too, of its letters.
    if isinstance(values, str) or not values:
        raise TypeError(f"{name} must be a list of {', '.join(known)}, and is {values!r}")
    for value in values:
        _one_of(value, known, name)


def fourcc(name: str) -> int:
    """`fourcc_code` of drm_fourcc.h: `XR24` as a number."""
    if not isinstance(name, str) or not re.fullmatch(r"[\x20-\x7e]{4}", name):
        raise ValueError(f"format must be a DRM fourcc, e.g. XR24, and is {name!r}")
    return int.from_bytes(name.encode("ascii"), "little")


def fourcc_name(code: int) -> str:
    """The four characters of a code; its number where they are no characters."""
    characters = code.to_bytes(4, "little")
    if all(0x20 <= each <= 0x7E for each in characters):
        return characters.decode("ascii")
    return f"0x{code:08x}"


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
