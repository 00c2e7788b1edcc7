"""
dmabroker_buffer_v1 as the client hears it: what the daemon says of a buffer is gathered until `done`, when it is allocated,
imported or redeemed, and again each time that it is re-issued.

Owns: file descriptors of planes that have come, until the description is handed out.
"""

import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ._calls import Call
from ._checks import fourcc_name
from ._core import Core
from ._dmabroker_gen import DmabrokerBufferV1, DmabrokerManagerV1, UsageName
from ._gathered import Gathered
from ._lasting import Committed, sealed_metadata
from ._memory import Plane
from ._told import (
    Checked,
    FellBack,
    Description,
    Memory,
    News,
    Recall,
    Refusals,
    State,
    VulkanMemory,
    name_of,
    read_document,
    usage_names,
)
from ._wire import Message, halves, joined
from .errors import BrokerError, ConnectionEnded


class BufferObject:
    """dmabroker_buffer_v1."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = State()
        #: Told what becomes of the buffer, once it is there.
        self.on_news: Callable[[News], None] | None = None
        #: Told of a new generation that nobody waits for any more, whose fds are its to have.
        self.on_replaced: Callable[[Description], None] | None = None
        #: Told the place in the queue where it waits for memory.
        self.on_waiting: Callable[[int], None] | None = None
        self._answer: Call[Description] | None = None
        #: Answers to renew and park, in the order of the requests, which is that of the answers.
        self._leasing: list[Call[None]] = []
        #: Answers to commit, likewise, with the documents that were sent.
        self._committing: list[tuple[Call[Committed], dict[str, Any] | None]] = []
        #: Of the `committed` that follows.
        self._metadata: dict[str, Any] | None = None
        self._refusals = Refusals()
        self._gathered = Gathered()
        #: It is to have no others, whatever it is told: a daemon that was restarted does not know of them.
        self.types: Collection[str] | None = None
        self._device: str | None = None
        self._checked: Checked | None = None
        self._fell_back: FellBack | None = None
        self._vulkan: VulkanMemory | None = None
        self._unverified: tuple[UsageName, ...] = ()
        self._id = core.create(DmabrokerBufferV1.INTERFACE, self._event)

    @property
    def is_alive(self) -> bool:
        return self.core.is_alive(self._id, self._event)

    @property
    def id(self) -> int:
        """
        Its number, to ask it for something: for one request, since another thread may close the buffer, and the number is
        another object's then. Raises ConnectionEnded or ValueError where there is nothing to be asked.
        """
        if self.is_alive:
            return self._id
        raise self.core.over or ValueError("the buffer is closed")

    async def receive(self, ask: Callable[[], None], *, release: bool = False) -> Description:
        """Calls what sends a request that is answered by info, plane and done, or by failed."""
        self.expect()
        try:
            ask()
        except BaseException:
            self.unasked()
            raise
        return await self.answered(release=release)

    def expect(self) -> None:
        """An answer is being asked for."""
        self._answer = Call[Description](self.core)

    def unasked(self) -> None:
        """It was not asked for after all, so that the daemon knows nothing of a new object."""
        if self._answer is not None:
            self._answer.forget()
        self._answer = None
        if self._is_new:
            self.core.drop(self._id)

    async def answered(self, *, release: bool = False) -> Description:
        """
        Waits for the answer; raises BrokerError where it is `failed`. Given up, a buffer that was not there before is let go
        of, and released where it is this client's own.
        """
        call = self._answer
        assert call is not None
        try:
            return await call
        except BaseException as error:
            self.give_up(release=release and not isinstance(error, BrokerError))
            raise
        finally:
            self._answer = None

    def give_up(self, *, release: bool) -> None:
        """Nobody waits for the answer any more. A buffer that there is stays, and takes it all the same."""
        call, self._answer = self._answer, None
        if call is not None:
            call.forget()
        if not self._is_new:
            return
        self._gathered.close()
        arrived = None if call is None else call.taken()
        if arrived is not None:
            arrived.close()
        if self.is_alive:
            # done may have been sent already; then the buffer is there for as long as its lifetime says.
            if release:
                self.core.send(DmabrokerBufferV1.release(self.id))
            self.core.destroy(self.id, DmabrokerBufferV1.destroy(self.id))

    @property
    def _is_new(self) -> bool:
        """Whether nobody has the buffer yet."""
        return self.on_replaced is None

    async def lease(self, ask: Message) -> None:
        call = Call[None](self.core)
        # It stays in the list when nobody waits any more: its answer will come.
        self._leasing.append(call)
        self.core.send(ask)
        await call

    async def commit(self, revision: int, metadata: Mapping[str, Any] | None) -> Committed:
        sent, number = None, self.id
        if metadata is not None:
            fd, size = sealed_metadata(metadata)
            try:
                sent = dict(json.loads(os.pread(fd, size, 0)))
                self.core.send(DmabrokerBufferV1.set_metadata(number, fd, size))
            finally:
                os.close(fd)
        # It waits when nothing can be refused here any more.
        call = Call[Committed](self.core)
        self._committing.append((call, sent))
        self.core.send(DmabrokerBufferV1.commit(number, *halves(revision)))
        return await call

    async def destroy(self, *, release: bool) -> None:
        """Ends the object; returns when the daemon has taken that."""
        number = self.id
        self._gathered.close()
        call = Call[None](self.core)
        # What is answered from now on is not heard.
        waiting: list[Call[Any]] = [*self._leasing, *(each for each, _ in self._committing)]
        self._leasing.clear()
        self._committing.clear()
        for each in [self._answer, *waiting]:
            if each is not None:
                each.reject(ValueError("the buffer is closed"))
        if release:
            self.core.send(DmabrokerBufferV1.release(number))
        self.core.destroy(number, DmabrokerBufferV1.destroy(number), lambda: call.resolve(None))
        await call

    def abandon(self) -> None:
        """Nobody has it any more; from whichever thread."""
        self.core.abandoned.append((self._id, DmabrokerBufferV1.destroy(self._id)))

    def _tell(self, news: News) -> None:
        if self.on_news is not None:
            self.on_news(news)

    def _event(self, event: DmabrokerBufferV1.Event) -> None:
        gathered = self._gathered
        match event:
            case DmabrokerBufferV1.InfoEvent():
                gathered.info = event
            case DmabrokerBufferV1.MemoryEvent():
                gathered.memories[event.index] = Memory(joined(event.size_hi, event.size_lo))
            case DmabrokerBufferV1.PlaneEvent():
                self._plane(event)
            case DmabrokerBufferV1.DoneEvent():
                self._done()
            case DmabrokerBufferV1.LongDetailEvent():
                self._refusals.long_detail(event.fd, event.size)
            case DmabrokerBufferV1.FailedEvent():
                error = self._refusals.error(event.code, event.message, event.detail)
                if self._answer is not None:
                    self._answer.reject(error)
            case DmabrokerBufferV1.LeaseRefusedEvent():
                error = self._refusals.error(event.code, event.message, event.detail)
                if self._leasing:
                    self._leasing.pop(0).reject(error)
            case DmabrokerBufferV1.CommitRefusedEvent():
                error = self._refusals.error(event.code, event.message, event.detail)
                if self._committing:
                    self._committing.pop(0)[0].reject(error)
            case DmabrokerBufferV1.MetadataEvent():
                self._metadata = read_document(event.fd, event.size)
            case DmabrokerBufferV1.CommittedEvent():
                self._committed(event)
            case DmabrokerBufferV1.CheckedEvent():
                how = name_of(DmabrokerBufferV1.ImportCheck, event.how)
                self._checked = Checked(how, event.reason)
            case DmabrokerBufferV1.VulkanMemoryEvent():
                self._vulkan = VulkanMemory(event.memory_type, event.dedicated == 1)
            case DmabrokerBufferV1.DeviceEvent():
                self._device = event.device_uuid
            case DmabrokerBufferV1.FellBackEvent():
                reason = name_of(DmabrokerBufferV1.FallBack, event.reason)
                self._fell_back = FellBack(reason, event.source or None, event.message)
            case DmabrokerBufferV1.UnverifiedEvent():
                self._unverified = usage_names(event.usage)
            case DmabrokerBufferV1.WaitingEvent():
                if self.on_waiting is not None:
                    self.on_waiting(event.place)
            case _:
                self._news(event)

    def _news(self, event: DmabrokerBufferV1.Event) -> None:
        state = self.state
        match event:
            case DmabrokerBufferV1.ReleasedEvent():
                state.released = name_of(DmabrokerBufferV1.ReleaseReason, event.reason)
                self._tell("released")
            case DmabrokerBufferV1.RecallEvent():
                reason = name_of(DmabrokerBufferV1.RecallReason, event.reason)
                withdrawn = reason == "withdrawn"
                deadline = time.monotonic() + event.seconds
                state.recalled = None if withdrawn else Recall(reason, deadline)
                self._tell("recalled")
            case DmabrokerBufferV1.LeaseEvent():
                state.lease_ends = time.monotonic() + event.seconds
                self._tell("leased")
                if state.recalled is not None and state.recalled.reason == "lease_expired":
                    state.recalled = None
                    self._tell("recalled")
                if event.answer == 1 and self._leasing:
                    self._leasing.pop(0).resolve(None)
            case DmabrokerBufferV1.LostEvent():
                state.lost = True
                state.committed = state.metadata = None
                self._tell("lost")
            case DmabrokerBufferV1.ReissuedEvent():
                self._tell("reissued")
            case _:
                pass

    def _committed(self, event: DmabrokerBufferV1.CommittedEvent) -> None:
        state = self.state
        committed = Committed(joined(event.revision_hi, event.revision_lo), event.digest)
        metadata, self._metadata = self._metadata, None
        call = None
        if event.answer == 1 and self._committing:
            # Its own document nobody sends back, and without one that of before stays.
            call, sent = self._committing.pop(0)
            metadata = state.metadata if sent is None else sent
        is_news = state.committed is None or state.committed.revision != committed.revision
        state.committed, state.metadata = committed, metadata
        if is_news:
            self._tell("committed")
        if call is not None:
            call.resolve(committed)

    def _plane(self, event: DmabrokerBufferV1.PlaneEvent) -> None:
        gathered = self._gathered
        plane = Plane(event.fd, event.memory, event.offset, event.stride)
        kind = name_of(DmabrokerManagerV1.HandleType, event.handle_type)
        if self.types is not None and kind not in self.types:
            plane.close()
            return
        if gathered.plane_type is None:
            gathered.plane_type = event.handle_type
        known = gathered.planes.get(event.plane_idx)
        if known is None and event.handle_type == gathered.plane_type:
            gathered.planes[event.plane_idx] = plane
        elif known is None or event.handle_type == gathered.plane_type or kind in known.further:
            plane.close()
        elif kind == "unknown":
            # What a later daemon has is of no use here.
            plane.close()
        else:
            known.further[kind] = plane

    def _done(self) -> None:
        gathered, self._gathered = self._gathered, Gathered()
        info = gathered.info
        if info is None:
            gathered.close()
            if self._answer is not None:
                self._answer.reject(ConnectionEnded("done before info"))
            return
        image = info.format != 0
        description = Description(
            id=info.id,
            generation=info.generation,
            handle_type=name_of(DmabrokerManagerV1.HandleType, gathered.plane_type or 0),
            source=info.source,
            size=joined(info.size_hi, info.size_lo),
            format=fourcc_name(info.format) if image else None,
            modifier=joined(info.modifier_hi, info.modifier_lo) if image else None,
            width=info.width if image else None,
            height=info.height if image else None,
            memories=tuple(gathered.memories[each] for each in sorted(gathered.memories)),
            planes=tuple(gathered.planes[each] for each in sorted(gathered.planes)),
            device=self._device,
            checked=self._checked,
            vulkan=self._vulkan,
            unverified_usage=self._unverified,
            fell_back=self._fell_back,
        )
        if self.on_replaced is not None:
            self.state.lost = False
            self.on_replaced(description)
        if self._answer is not None and not self._answer.done:
            self._answer.resolve(description)
        elif self.on_replaced is None:
            description.close()
