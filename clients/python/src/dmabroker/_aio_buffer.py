"""A buffer of the asyncio client, and its tokens."""

import asyncio
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from . import _operations as operations
from . import _work as work
from ._aio_driver import Driver
from ._buffer import BaseBuffer
from ._calls import Step
from ._lasting import Committed
from ._objects import ShareObject
from ._told import News
from ._work import Content, Path
from .errors import ConnectionEnded

T = TypeVar("T")

if TYPE_CHECKING:
    from .aio import Client


class Event(NamedTuple):
    """What has become of a buffer; its properties say more, as it is now."""

    type: News
    buffer: "Buffer"


class Share:
    """A token with which other processes redeem a buffer."""

    def __init__(self, client: "Client", token: str, made: ShareObject) -> None:
        self._client = client
        self._made = made
        #: A secret.
        self.token = token
        #: How lists name it; no secret.
        self.token_id = made.token_id

    def __str__(self) -> str:
        return self.token

    def __del__(self) -> None:
        # The connection would keep a little for each, and may have 65,536.
        self._made.abandon()

    async def revoke(self) -> None:
        """Ends the token. Who has redeemed it keeps what was received. Once is enough."""
        await self._made.core.driver.run(operations.revoke(self._made))


class Buffer(BaseBuffer):
    """A buffer of an asyncio client. Use it with `async with`, or `close` or `release` it."""

    _client: "Client"
    _reissuing: asyncio.Lock | None = None

    async def _run(self, operation: Coroutine[Step, None, T]) -> T:
        # On the connection that it has: while the client reconnects it still has the one before.
        driver: Driver = self._object.core.driver
        return await driver.run(operation)

    async def share(
        self,
        *,
        uses: int = 1,
        uid: int | None = None,
        seconds: int | None = None,
        may_renew: bool = False,
    ) -> Share:
        """
        A token with which others redeem the buffer: so often, by that user alone, for so long; whether they may renew its
        lease, too.
        """
        asked = operations.share(
            self._link(), uses=uses, uid=uid, seconds=seconds, may_renew=may_renew
        )
        return Share(self._client, *await self._run(asked))

    async def renew(self, seconds: int) -> None:
        """Has the lease end so many seconds from now, or later where it would have."""
        await self._run(operations.renew(self._link(), seconds))

    async def park(self, seconds: int) -> None:
        """Gives it a lease in place of its lifetime: for a process that ends, whose successor adopts it."""
        await self._run(operations.park(self._link(), seconds))

    async def commit(
        self, metadata: Mapping[str, Any] | None = None, *, revision: int | None = None
    ) -> Committed:
        """
        Tells everybody who has the buffer that there is new content: of a revision above the last, the next one by default,
        with a document of what is where, at most 64 KiB as JSON (that of before stays by default). For its writer.
        """
        asked = operations.commit(self._link(), revision=revision, metadata=metadata)
        return await self._run(asked)

    async def reissue(self) -> None:
        """Replaces memory that was lost: `planes` are new, and mappings of the old memory stay what they are."""
        self._reissuing = self._reissuing or asyncio.Lock()
        async with self._reissuing:
            await self._run(operations.reissue(self._link()))

    async def fill(self, value: int, *, offset: int = 0, size: int | None = None) -> Path:
        """Has the daemon write a 32-bit value all over; returns who did it, `device` or `cpu`."""
        asked = work.fill(self._line, self._link(), value, offset, size)
        return await self._run(asked)

    async def copy_from(
        self,
        source: "Buffer",
        *,
        offset: int = 0,
        size: int | None = None,
        source_offset: int = 0,
    ) -> Path:
        """Has the daemon copy linear memory, or an image of the same format, width and height."""
        if source._client is not self._client:
            raise ValueError("the buffers are of different clients")
        asked = work.copy(self._line, self._link(), source._link(), offset, size, source_offset)
        return await self._run(asked)

    async def read(self, *, offset: int = 0, size: int | None = None) -> Content:
        """The content as it is now, read by the daemon: of memory that this process cannot map, too."""
        return await self._run(work.read(self._line, self._link(), offset, size))

    async def close(self) -> None:
        """
        Closes what this process has, but for mappings; a buffer bound to this connection that it owns is released. Once is
        enough.
        """
        if not self._open:
            return
        shut = self._shut()
        if shut is not None and shut.core.over is None and self._client._is_mine:
            try:
                await self._run(shut.destroy(release=False))
            except ConnectionEnded:
                pass  # It has taken the buffer along.

    async def release(self) -> None:
        """The same, and the daemon lets go of it, whatever its lifetime, if this client owns it."""
        self._link()
        shut = self._shut()
        if shut is None:
            raise ValueError("the buffer is closed")
        await self._run(shut.destroy(release=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
