"""
Objects of one answer as the client hears them: a dry run, a token, work.

Owns: the file descriptor of what was read, until the answer is handed out.
"""

import os
from dataclasses import dataclass

from ._calls import Call
from ._core import Core
from ._dmabroker_gen import (
    DmabrokerManagerV1,
    DmabrokerShareV1,
    DmabrokerTestV1,
    DmabrokerWorkV1,
    HandleTypeName,
    PathName,
    UsageName,
)
from ._told import Memory, Refusals, Unknown, name_of, usage_names
from ._wire import Message, joined
from .errors import BrokerError, ConnectionEnded


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be allocated."""

    handle_type: HandleTypeName | Unknown
    source: str
    size: int
    modifier: int | None
    memories: tuple[Memory, ...]
    planes: tuple["PlannedPlane", ...]
    unverified_usage: tuple[UsageName, ...]


@dataclass(frozen=True, slots=True)
class PlannedPlane:
    """Where a plane would lie."""

    memory: int
    offset: int
    stride: int


class TestObject:
    """dmabroker_test_v1."""

    def __init__(self, core: Core, *, image: bool) -> None:
        self._core = core
        self._image = image
        self._possible: DmabrokerTestV1.PossibleEvent | None = None
        self._memories: list[Memory] = []
        self._planes: list[PlannedPlane] = []
        self._unverified: tuple[UsageName, ...] = ()
        self._refusals = Refusals()
        self._call = Call[Planned](core)
        self.id = core.create(DmabrokerTestV1.INTERFACE, self._event)

    async def receive(self, *ask: Message) -> Planned:
        try:
            self._core.send(*ask)
            return await self._call
        finally:
            if self._core.over is None:
                self._core.destroy(self.id, DmabrokerTestV1.destroy(self.id))

    def _event(self, event: DmabrokerTestV1.Event) -> None:
        match event:
            case DmabrokerTestV1.PossibleEvent():
                self._possible = event
            case DmabrokerTestV1.MemoryEvent():
                self._memories.append(Memory(joined(event.size_hi, event.size_lo)))
            case DmabrokerTestV1.PlaneLayoutEvent():
                self._planes.append(PlannedPlane(event.memory, event.offset, event.stride))
            case DmabrokerTestV1.UnverifiedEvent():
                self._unverified = usage_names(event.usage)
            case DmabrokerTestV1.LongDetailEvent():
                self._refusals.long_detail(event.fd, event.size)
            case DmabrokerTestV1.FailedEvent():
                self._call.reject(self._refusals.error(event.code, event.message, event.detail))
            case DmabrokerTestV1.DoneEvent():
                self._done()

    def _done(self) -> None:
        told = self._possible
        if told is None:
            self._call.reject(ConnectionEnded("done before possible"))
            return
        planned = Planned(
            handle_type=first_type(told.handle_types),
            source=told.source,
            size=joined(told.size_hi, told.size_lo),
            modifier=joined(told.modifier_hi, told.modifier_lo) if self._image else None,
            memories=tuple(self._memories),
            planes=tuple(self._planes),
            unverified_usage=self._unverified,
        )
        self._call.resolve(planned)


def first_type(bits: int) -> HandleTypeName | Unknown:
    """Of several, a dma_buf, else a memfd, is what the planes' fds would be."""
    kinds = DmabrokerManagerV1.HandleType
    for each in (kinds.dma_buf, kinds.memfd, kinds.opaque_fd):
        if bits & each:
            bits = each
            break
    found: HandleTypeName | Unknown = name_of(kinds, bits)
    return found


class ShareObject:
    """dmabroker_share_v1: a token, and what ends it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._refusals = Refusals()
        self._call = Call[str](core)
        self.token_id = ""
        self.id = core.create(DmabrokerShareV1.INTERFACE, self._event)

    async def receive(self, ask: Message) -> str:
        try:
            self._core.send(ask)
            return await self._call
        except BaseException as error:
            # Given up: nobody will know the token.
            self.end(revoke=not isinstance(error, BrokerError))
            raise

    def _event(self, event: DmabrokerShareV1.Event) -> None:
        match event:
            case DmabrokerShareV1.TokenIdEvent():
                self.token_id = event.id
            case DmabrokerShareV1.TokenEvent():
                self._call.resolve(event.token)
            case DmabrokerShareV1.LongDetailEvent():
                self._refusals.long_detail(event.fd, event.size)
            case DmabrokerShareV1.FailedEvent():
                self._call.reject(self._refusals.error(event.code, event.message, event.detail))

    @property
    def is_alive(self) -> bool:
        return self._core.is_alive(self.id, self._event)

    @property
    def core(self) -> Core:
        return self._core

    def abandon(self) -> None:
        """Nobody will revoke the token any more, which stays good; from whichever thread."""
        if self.is_alive:
            self._core.abandoned.append((self.id, DmabrokerShareV1.destroy(self.id)))

    def end(self, *, revoke: bool) -> None:
        if not self.is_alive:
            return
        if revoke:
            self._core.send(DmabrokerShareV1.revoke(self.id))
        self._core.destroy(self.id, DmabrokerShareV1.destroy(self.id))


@dataclass(frozen=True, slots=True)
class WorkAnswer:
    """Who moved the bytes, and for a read a memfd of them, the receiver's."""

    path: PathName | Unknown
    content: tuple[int, int] | None


class WorkObject:
    """dmabroker_work_v1: a copy, fill or read that the daemon does."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._refusals = Refusals()
        self._content: tuple[int, int] | None = None
        self._call = Call[WorkAnswer](core)
        self.id = core.create(DmabrokerWorkV1.INTERFACE, self._event)

    async def receive(self, *ask: Message) -> WorkAnswer:
        try:
            self._core.send(*ask)
            answer = await self._call
            self._content = None
            return answer
        finally:
            # Given up, or the connection ended between content and done.
            if self._content is not None:
                os.close(self._content[0])
            if self._core.over is None:
                self._core.destroy(self.id, DmabrokerWorkV1.destroy(self.id))

    def _event(self, event: DmabrokerWorkV1.Event) -> None:
        match event:
            case DmabrokerWorkV1.ContentEvent():
                self._content = (event.fd, joined(event.size_hi, event.size_lo))
            case DmabrokerWorkV1.DoneEvent():
                path = name_of(DmabrokerWorkV1.Path, event.path)
                self._call.resolve(WorkAnswer(path, self._content))
            case DmabrokerWorkV1.LongDetailEvent():
                self._refusals.long_detail(event.fd, event.size)
            case DmabrokerWorkV1.FailedEvent():
                self._call.reject(self._refusals.error(event.code, event.message, event.detail))
