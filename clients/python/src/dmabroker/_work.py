"""What a client has the daemon do with a buffer's bytes; coroutines as those of _operations.py."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ._buffer_object import BufferObject
from ._checks import MAX_BYTES, check_u32, check_whole
from ._dmabroker_gen import DmabrokerManagerV1, DmabrokerWorkV1, PathName
from ._line import Line
from ._objects import WorkAnswer, WorkObject
from ._told import Unknown, read_all
from ._wire import Message, halves
from .errors import ConnectionEnded

Path: TypeAlias = PathName | Unknown


async def _work(
    line: Line,
    buffer: BufferObject,
    offset: int,
    size: int | None,
    ask: Callable[[int], list[Message]],
) -> WorkAnswer:
    """Makes a work object of a range, asks for the work by its number, waits."""
    check_whole(offset, "offset", 0, MAX_BYTES)
    if size is not None:
        check_whole(size, "size", 1, MAX_BYTES)
    number = buffer.id
    made = WorkObject(line.core)
    return await made.receive(
        DmabrokerManagerV1.create_work(line.manager, made.id, number),
        DmabrokerWorkV1.set_offset(made.id, *halves(offset)),
        DmabrokerWorkV1.set_size(made.id, *halves(size or 0)),
        *ask(made.id),
    )


async def fill(line: Line, buffer: BufferObject, value: int, offset: int, size: int | None) -> Path:
    check_u32(value, "value")
    answer = await _work(
        line, buffer, offset, size, lambda work: [DmabrokerWorkV1.fill(work, value)]
    )
    return answer.path


async def copy(
    line: Line,
    buffer: BufferObject,
    source: BufferObject,
    offset: int,
    size: int | None,
    source_offset: int,
) -> Path:
    check_whole(source_offset, "source_offset", 0, MAX_BYTES)
    number = source.id

    def ask(work: int) -> list[Message]:
        return [
            DmabrokerWorkV1.set_source_offset(work, *halves(source_offset)),
            DmabrokerWorkV1.copy(work, number),
        ]

    return (await _work(line, buffer, offset, size, ask)).path


@dataclass(frozen=True, slots=True)
class Content:
    """What was read, and who did it."""

    data: bytes
    path: Path


async def read(line: Line, buffer: BufferObject, offset: int, size: int | None) -> Content:
    answer = await _work(line, buffer, offset, size, lambda work: [DmabrokerWorkV1.read(work)])
    if answer.content is None:
        raise ConnectionEnded("done before content")
    fd, length = answer.content
    try:
        return Content(read_all(fd, length), answer.path)
    finally:
        os.close(fd)
