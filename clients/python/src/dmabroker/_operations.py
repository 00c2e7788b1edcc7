"""
What a client asks of the daemon, each as a coroutine that waits for calls and pauses alone: the blocking client and the asyncio
one run the same ones, each in its own way (_core.Step).
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from ._buffer_object import BufferObject
from ._calls import Pause
from ._checks import U32, check_text, check_u32, check_whole
from ._dmabroker_gen import (
    DmabrokerBufferV1,
    DmabrokerManagerV1,
    DmabrokerParamsV1,
    DmabrokerShareV1,
    HandleTypeName,
)
from ._lasting import Committed, check_claim, check_revision
from ._line import Line
from ._objects import Planned, ShareObject, TestObject
from ._params import Params, handle_type_bits
from ._requests import Image, Imported, Request, check_handle_types
from ._told import Description
from .errors import BrokerError, ConnectionEnded

ANY_UID = U32
#: Far longer than a token, a session or an id is.
MAX_WORD = 1024
#: Where a daemon has not said how many it makes at once.
MAX_UNTOLD = 1024

#: While the earlier connection of what is adopted is still there, in seconds.
BUSY = (0.005, 0.02, 0.08, 0.32, 1.28)
#: All of a user's clients may come back at once, and have their memory imported.
PENDING = (*BUSY, 2.56, 5.12)
#: Who has not brought its memory by then, after a restart of the daemon, will not.
AWAY_FIRST, AWAY_LONGEST, AWAY_PATIENCE = 0.02, 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """A buffer that has come: its fds are the receiver's."""

    object: BufferObject
    description: Description


#: Told the place in the queue of what waits for memory.
OnWaiting: TypeAlias = Callable[[int], None] | None


async def allocate(line: Line, request: Request, on_waiting: OnWaiting = None) -> Held:
    made = BufferObject(line.core)
    made.on_waiting = on_waiting

    def ask() -> None:
        with Params(line) as params:
            params.want(request)
            params.send(DmabrokerParamsV1.create(params.id, made.id))

    return Held(made, await made.receive(ask, release=True))


async def allocate_many(
    line: Line, request: Request, count: int, on_waiting: OnWaiting = None
) -> list[Held]:
    """All of them, or none."""
    check_whole(count, "count", 1, line.broker.limits.get("batch", MAX_UNTOLD))
    if request.memory is not None:
        raise ValueError("memory is of one buffer: allocate")
    objects = [BufferObject(line.core) for _ in range(count)]
    # All are told the same place.
    objects[0].on_waiting = on_waiting
    for each in objects:
        each.expect()
    try:
        with Params(line) as params:
            params.want(request)
            for each in objects:
                params.send(DmabrokerParamsV1.add_buffer(params.id, each.id))
            params.send(DmabrokerParamsV1.create_batch(params.id))
    except BaseException:
        for each in objects:
            each.unasked()
        raise
    held: list[Held] = []
    failed: BaseException | None = None
    for each in objects:
        if failed is not None and not isinstance(failed, BrokerError):
            each.give_up(release=True)
            continue
        try:
            held.append(Held(each, await each.answered(release=True)))
        except BaseException as error:
            failed = failed or error
    if failed is None:
        return held
    for each in (one.object for one in held):
        each.give_up(release=True)
    for one in held:
        one.description.close()
    raise failed


async def test(line: Line, request: Request) -> Planned:
    with Params(line) as params:
        params.want(request)
        made = TestObject(line.core, image=isinstance(request, Image))
        return await made.receive(DmabrokerParamsV1.test(params.id, made.id))


async def import_(line: Line, memory: Imported) -> Held:
    made = BufferObject(line.core)

    def ask() -> None:
        with Params(line) as params:
            params.bring(memory)
            params.send(DmabrokerParamsV1.import_(params.id, made.id))

    return Held(made, await made.receive(ask, release=True))


async def redeem(
    line: Line, token: str, handle_types: Collection[HandleTypeName] | None = None
) -> Held:
    """Where the daemon was restarted and nobody has brought the memory yet: when somebody has."""
    check_text(token, "token", 1, MAX_WORD)
    check_handle_types(handle_types)
    types = None if handle_types is None else handle_type_bits(handle_types)
    end = time.monotonic() + AWAY_PATIENCE
    pause = AWAY_FIRST
    while True:
        made = BufferObject(line.core)
        if types is None:
            ask = DmabrokerManagerV1.redeem(line.manager, made.id, token)
        else:
            ask = DmabrokerManagerV1.redeem_as(line.manager, made.id, token, types)
        try:
            return Held(made, await made.receive(partial(line.core.send, ask)))
        except BrokerError as error:
            away = error.code == "busy" and error.refusal.get("constraint") == "state"
            if not away or time.monotonic() + pause > end:
                raise
        await Pause(pause)
        pause = min(2 * pause, AWAY_LONGEST)


async def claim(line: Line, name: str, *, writer: bool, committed: bool, wait: float) -> Held:
    milliseconds = check_claim(name, wait)
    bits = DmabrokerManagerV1.Claim
    how = (bits.writer if writer else 0) | (bits.committed if committed else 0)
    made = BufferObject(line.core)
    ask = DmabrokerManagerV1.claim(line.manager, made.id, name, milliseconds, how)
    return Held(made, await made.receive(partial(line.core.send, ask)))


async def commit(
    buffer: BufferObject, *, revision: int | None, metadata: Mapping[str, Any] | None
) -> Committed:
    if revision is not None:
        check_revision(revision)
    return await buffer.commit(revision or 0, metadata)


async def adopt(line: Line, buffer_id: str, session: str, memory: Imported | None) -> Held:
    """A buffer of an earlier connection of this user; waits a little where that is still there."""
    check_text(buffer_id, "id", 1, MAX_WORD)
    check_text(session, "session", 1, MAX_WORD)
    waited = 0
    while True:
        made = BufferObject(line.core)

        def ask(made: BufferObject = made) -> None:
            with Params(line) as params:
                if memory is not None:
                    params.bring(memory)
                params.send(DmabrokerParamsV1.adopt(params.id, made.id, buffer_id, session))

        try:
            return Held(made, await made.receive(ask))
        except BrokerError as error:
            constraint = str(error.refusal.get("constraint", ""))
            busy = error.code == "busy" and constraint == "session"
            pending = error.code == "limit_exceeded" and constraint.endswith(".pending")
            pauses = BUSY if busy else PENDING if pending else ()
            if waited >= len(pauses):
                raise
        await Pause(pauses[waited])
        waited += 1


async def share(
    buffer: BufferObject, *, uses: int, uid: int | None, seconds: int | None, may_renew: bool
) -> tuple[str, ShareObject]:
    check_whole(uses, "uses", 1, U32)
    if uid is not None:
        check_whole(uid, "uid", 0, U32 - 1)  # The last stands for anybody.
    if seconds is not None:
        check_whole(seconds, "seconds", 1, U32)
    number = buffer.id
    made = ShareObject(buffer.core)
    rights = DmabrokerShareV1.Right.renew if may_renew else 0
    who = ANY_UID if uid is None else uid
    ask = DmabrokerBufferV1.share(number, made.id, uses, who, seconds or 0, rights)
    return await made.receive(ask), made


async def revoke(made: ShareObject) -> None:
    if made.core.over is not None:
        raise ConnectionEnded(f"the connection that made the token {made.token_id} is over")
    if made.is_alive:
        made.end(revoke=True)
        await made.core.sync()


async def renew(buffer: BufferObject, seconds: int) -> None:
    check_u32(seconds, "seconds")
    await buffer.lease(DmabrokerBufferV1.renew(buffer.id, seconds))


async def park(buffer: BufferObject, seconds: int) -> None:
    check_u32(seconds, "seconds")
    await buffer.lease(DmabrokerBufferV1.park(buffer.id, seconds))


async def reissue(buffer: BufferObject) -> None:
    await buffer.receive(lambda: buffer.core.send(DmabrokerBufferV1.reissue(buffer.id)))
