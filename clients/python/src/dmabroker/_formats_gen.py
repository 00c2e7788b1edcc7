# Generated from src/memory/formats.ts by scripts/generate-python.ts. Do not edit.
"""The planes of each format that the broker knows, in linear memory."""

from typing import NamedTuple


class FormatPlane(NamedTuple):
    """Blocks of a plane are one row high."""

    hsub: int
    """Pixels of the image for one sample, across."""
    vsub: int
    """The same, down."""
    block_width: int
    """Samples in one block."""
    bytes_per_block: int


FORMATS: dict[str, tuple[FormatPlane, ...]] = {
    "AR24": (FormatPlane(1, 1, 1, 4),),
    "XR24": (FormatPlane(1, 1, 1, 4),),
    "AB24": (FormatPlane(1, 1, 1, 4),),
    "XB24": (FormatPlane(1, 1, 1, 4),),
    "RA24": (FormatPlane(1, 1, 1, 4),),
    "RX24": (FormatPlane(1, 1, 1, 4),),
    "BA24": (FormatPlane(1, 1, 1, 4),),
    "BX24": (FormatPlane(1, 1, 1, 4),),
    "AR30": (FormatPlane(1, 1, 1, 4),),
    "XR30": (FormatPlane(1, 1, 1, 4),),
    "AB30": (FormatPlane(1, 1, 1, 4),),
    "XB30": (FormatPlane(1, 1, 1, 4),),
    "GR32": (FormatPlane(1, 1, 1, 4),),
    "RG24": (FormatPlane(1, 1, 1, 3),),
    "BG24": (FormatPlane(1, 1, 1, 3),),
    "RG16": (FormatPlane(1, 1, 1, 2),),
    "BG16": (FormatPlane(1, 1, 1, 2),),
    "GR88": (FormatPlane(1, 1, 1, 2),),
    "R16 ": (FormatPlane(1, 1, 1, 2),),
    "R8  ": (FormatPlane(1, 1, 1, 1),),
    "AB4H": (FormatPlane(1, 1, 1, 8),),
    "XB4H": (FormatPlane(1, 1, 1, 8),),
    "AB48": (FormatPlane(1, 1, 1, 8),),
    "XB48": (FormatPlane(1, 1, 1, 8),),
    "NV12": (FormatPlane(1, 1, 1, 1), FormatPlane(2, 2, 1, 2)),
    "NV21": (FormatPlane(1, 1, 1, 1), FormatPlane(2, 2, 1, 2)),
    "NV16": (FormatPlane(1, 1, 1, 1), FormatPlane(2, 1, 1, 2)),
    "NV24": (FormatPlane(1, 1, 1, 1), FormatPlane(1, 1, 1, 2)),
    "P010": (FormatPlane(1, 1, 1, 2), FormatPlane(2, 2, 1, 4)),
    "P012": (FormatPlane(1, 1, 1, 2), FormatPlane(2, 2, 1, 4)),
    "P016": (FormatPlane(1, 1, 1, 2), FormatPlane(2, 2, 1, 4)),
    "YU12": (FormatPlane(1, 1, 1, 1), FormatPlane(2, 2, 1, 1), FormatPlane(2, 2, 1, 1)),
    "YV12": (FormatPlane(1, 1, 1, 1), FormatPlane(2, 2, 1, 1), FormatPlane(2, 2, 1, 1)),
    "YU16": (FormatPlane(1, 1, 1, 1), FormatPlane(2, 1, 1, 1), FormatPlane(2, 1, 1, 1)),
    "YU24": (FormatPlane(1, 1, 1, 1), FormatPlane(1, 1, 1, 1), FormatPlane(1, 1, 1, 1)),
    "YUYV": (FormatPlane(1, 1, 2, 4),),
    "UYVY": (FormatPlane(1, 1, 2, 4),),
}
