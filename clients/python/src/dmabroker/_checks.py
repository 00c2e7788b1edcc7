"""Checks of what a caller gives, made before anything is sent: TypeError and ValueError, which begin with the argument's name."""

import os
import re
import stat
from collections.abc import Collection, Sequence

U32 = 0xFFFF_FFFF
U64 = 0xFFFF_FFFF_FFFF_FFFF
#: As far as other clients' numbers go (2^53 - 1).
MAX_BYTES = 0x1F_FFFF_FFFF_FFFF


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


def check_count(values: Sequence[object], name: str, most: int) -> None:
    if not 1 <= len(values) <= most:
        raise ValueError(f"{name} must have 1 to {most} entries, and has {len(values)}")


def one_of(value: object, known: tuple[str, ...], name: str) -> None:
    if value is not None and value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, and is {value!r}")


def all_of(values: Collection[object] | None, known: tuple[str, ...], name: str) -> None:
    if values is None:
        return
    # A text is a collection, too, of its letters.
    if isinstance(values, str) or not values:
        raise TypeError(f"{name} must be a list of {', '.join(known)}, and is {values!r}")
    for value in values:
        one_of(value, known, name)


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
