"""A buffer of the blocking client, and its tokens."""

from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from . import _operations as operations
from . import _work as work
from ._blocking import Blocking
from ._buffer import BaseBuffer
from ._calls import Step
from ._lasting import Committed
from ._objects import ShareObject
from ._told import News
from ._work import Content, Path
from .errors import ConnectionEnded

T = TypeVar("T")

if TYPE_CHECKING:
    from .client import Client


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

    def revoke(self, *, timeout: float | None = None) -> None:
        """Ends the token. Who has redeemed it keeps what was received. Once is enough."""
        self._made.core.driver.run(operations.revoke(self._made), timeout)


class Buffer(BaseBuffer):
    """A buffer of a blocking client. Use it with `with`, or `close` or `release` it."""

    _client: "Client"

    def _run(self, operation: Coroutine[Step, None, T], timeout: float | None = None) -> T:
        # On the connection that it has: while the client reconnects it still has the one before.
        driver: Blocking = self._object.core.driver
        return driver.run(operation, timeout)

    def share(
        self,
        *,
        uses: int = 1,
        uid: int | None = None,
        seconds: int | None = None,
        may_renew: bool = False,
        timeout: float | None = None,
    ) -> Share:
        """
        A token with which others redeem the buffer: so often, by that user alone, for so long; whether they may renew its
        lease, too.
        """
        asked = operations.share(
            self._link(), uses=uses, uid=uid, seconds=seconds, may_renew=may_renew
        )
        token, made = self._run(asked, timeout)
        return Share(self._client, token, made)

    def renew(self, seconds: int, *, timeout: float | None = None) -> None:
        """Has the lease end so many seconds from now, or later where it would have."""
        self._run(operations.renew(self._link(), seconds), timeout)

    def park(self, seconds: int, *, timeout: float | None = None) -> None:
        """Gives it a lease in place of its lifetime: for a process that ends, whose successor adopts it."""
        self._run(operations.park(self._link(), seconds), timeout)

    def commit(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        revision: int | None = None,
        timeout: float | None = None,
    ) -> Committed:
        """
        Tells everybody who has the buffer that there is new content: of a revision above the last, the next one by default,
        with a document of what is where, at most 64 KiB as JSON (that of before stays by default). For its writer.
        """
        asked = operations.commit(self._link(), revision=revision, metadata=metadata)
        return self._run(asked, timeout)

    def reissue(self, *, timeout: float | None = None) -> None:
        """Replaces memory that was lost: `planes` are new, and mappings of the old memory stay what they are."""
        self._run(operations.reissue(self._link()), timeout)

    def fill(
        self, value: int, *, offset: int = 0, size: int | None = None, timeout: float | None = None
    ) -> Path:
        """Has the daemon write a 32-bit value all over; returns who did it, `device` or `cpu`."""
        asked = work.fill(self._line, self._link(), value, offset, size)
        return self._run(asked, timeout)

    def copy_from(
        self,
        source: "Buffer",
        *,
        offset: int = 0,
        size: int | None = None,
        source_offset: int = 0,
        timeout: float | None = None,
    ) -> Path:
        """Has the daemon copy linear memory, or an image of the same format, width and height."""
        if source._client is not self._client:
            raise ValueError("the buffers are of different clients")
        asked = work.copy(self._line, self._link(), source._link(), offset, size, source_offset)
        return self._run(asked, timeout)

    def read(
        self, *, offset: int = 0, size: int | None = None, timeout: float | None = None
    ) -> Content:
        """The content as it is now, read by the daemon: of memory that this process cannot map, too."""
        return self._run(work.read(self._line, self._link(), offset, size), timeout)

    def close(self) -> None:
        """
        Closes what this process has, but for mappings; a buffer bound to this connection that it owns is released. Once is
        enough.
        """
        if not self._open:
            return
        shut = self._shut()
        if shut is not None and shut.core.over is None and self._client._is_mine:
            try:
                self._run(shut.destroy(release=False))
            except ConnectionEnded:
                pass  # It has taken the buffer along.

    def release(self, *, timeout: float | None = None) -> None:
        """The same, and the daemon lets go of it, whatever its lifetime, if this client owns it."""
        self._link()
        shut = self._shut()
        if shut is None:
            raise ValueError("the buffer is closed")
        self._run(shut.destroy(release=True), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
