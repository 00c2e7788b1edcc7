"""
Memory with a lasting name: what a writer publishes of it, and how that goes as a document in a sealed memfd.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._checks import MAX_BYTES, check_text, check_whole, fourcc

if TYPE_CHECKING:
    from ._told_buffer import ToldBuffer

MAX_METADATA_BYTES = 65_536
MAX_CLAIM_WAIT_MS = 86_400_000
_NAME = re.compile(r"[A-Za-z0-9._:+/-]{1,64}")
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True)
class Committed:
    """A revision of a buffer's content, as its writer has published it."""

    revision: int
    digest: str
    """SHA-256 of the memory's layout: what `layout_digest` makes of the buffer, or it is not what was told."""


def check_lasting_name(value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"lasting_name must be a str, and is {value!r}")
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"lasting_name must be 1 to 64 ASCII letters, digits and . _ : + / -, and is {value!r}"
        )


def check_claim(name: object, wait: object) -> int:
    """In milliseconds."""
    check_text(name, "name", 1, 80)
    if not isinstance(wait, int | float) or isinstance(wait, bool):
        raise TypeError(f"wait must be a number of seconds, and is {wait!r}")
    if not 0 <= wait <= MAX_CLAIM_WAIT_MS / 1000:
        raise ValueError(f"wait must be from 0 to {MAX_CLAIM_WAIT_MS // 1000}, and is {wait}")
    return round(wait * 1000)


def check_revision(value: object) -> None:
    check_whole(value, "revision", 0, MAX_BYTES)


def sealed_metadata(metadata: Mapping[str, Any]) -> tuple[int, int]:
    """A memfd of it that nobody can change, the caller's, and its size."""
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a mapping, and is {metadata!r}")
    content = json.dumps(metadata, ensure_ascii=False, allow_nan=False).encode()
    if len(content) > MAX_METADATA_BYTES:
        raise ValueError(
            f"metadata has {len(content)} bytes as JSON, and {MAX_METADATA_BYTES} at most"
        )
    fd = os.memfd_create("dmabroker-metadata", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(fd, content)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd, len(content)


def layout_digest(buffer: "ToldBuffer") -> str:
    """The digest that `committed` has, of the layout that the buffer was told to have."""
    code = 0 if buffer.format is None else fourcc(buffer.format)
    lines = [
        "dmabroker-layout-1",
        f"size {buffer.size} format {code} modifier {buffer.modifier or 0} "
        f"width {buffer.width or 0} height {buffer.height or 0}",
    ]
    lines += [f"memory {index} {each.size}" for index, each in enumerate(buffer.memories)]
    lines += [
        f"plane {index} {each.memory} {each.offset} {each.stride}"
        for index, each in enumerate(buffer.planes)
    ]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
