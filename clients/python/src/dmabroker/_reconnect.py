"""
A new connection after the daemon's end of one has gone: when it is tried again, and taking up there what the client had.
"""

import errno
import random
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from . import _operations as operations
from ._buffer import BaseBuffer
from ._line import Line
from ._operations import Held
from .errors import BrokerError, ConnectionEnded

#: In seconds. The first time is at once but for some jitter: all of a daemon's clients come at the same moment.
_FIRST, _GROWTH, _LONGEST = 0.01, 2, 1.0

Outcome: TypeAlias = Literal["adopted", "imported", "gone"]


class Taken(NamedTuple):
    """What has become of a buffer on the new connection."""

    buffer: BaseBuffer
    outcome: Outcome


class Attempts:
    """How long to wait before the next one, until it has been tried for long enough."""

    def __init__(self, why: ConnectionEnded, seconds: float) -> None:
        if not why.by_daemon:
            raise why
        self._why = why
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._next = _FIRST
        self.last: BaseException | None = None

    def pause(self) -> float:
        """Raises ConnectionEnded when the time is over."""
        pause = self._next * (0.5 + random.random())
        if time.monotonic() + pause > self._ends:
            last = "nobody has answered" if self.last is None else str(self.last)
            said = f"{self._why}; connecting again failed for {self._seconds} s: {last}"
            raise ConnectionEnded(said, by_daemon=True)
        self._next = min(_LONGEST, self._next * _GROWTH)
        return pause

    @property
    def left(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    def failed(self, error: BaseException) -> None:
        """Raises what is no reason to try again."""
        passing = isinstance(error, ConnectionEnded) and error.by_daemon
        if isinstance(error, OSError) and not isinstance(error, ConnectionEnded):
            # Nobody is there, or too many are waiting; who may not connect at all is told so.
            passing = error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN)
        if isinstance(error, TimeoutError):
            passing = True
        if not passing:
            raise error
        self.last = error


async def take_up(line: Line, buffer: BaseBuffer, others: Sequence[BaseBuffer]) -> Taken:
    """
    The buffer stays the same object, with the fds that it has: it is the same memory. `others` may be of the same buffer. Raises
    ConnectionEnded.
    """
    try:
        if buffer.released is not None:
            raise BrokerError("not_found", f"the daemon has let go of {buffer.id}")
        held = await _adopted(line, buffer, others)
    except BrokerError as error:
        buffer._refused(error)
        return Taken(buffer, "gone")
    if buffer.closed:
        # Meanwhile.
        held.description.close()
        await held.object.destroy(release=False)
        return Taken(buffer, "gone")
    held.object.types = buffer.handle_types
    return Taken(buffer, "imported" if buffer._taken_up(held, line) else "adopted")


async def _adopted(line: Line, buffer: BaseBuffer, others: Sequence[BaseBuffer]) -> Held:
    session = buffer._line.broker.session
    try:
        return await operations.adopt(line, buffer.id, session, buffer._brought())
    except BrokerError as error:
        of_another = (
            error.code == "permission_denied" and error.refusal.get("constraint") == "session"
        )
        here = [each for each in others if each.id == buffer.id and each._line is line]
        if not of_another or not here:
            raise
    # One that the client has twice is adopted once, and then redeemed as it was before.
    first = here[0]._link()
    token, share = await operations.share(first, uses=1, uid=None, seconds=None, may_renew=True)
    share.end(revoke=False)
    return await operations.redeem(line, token)
