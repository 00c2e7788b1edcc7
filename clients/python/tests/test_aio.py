"""The asyncio client with a daemon: many calls at once, and calls that are cancelled."""

import asyncio
import threading
import unittest

import dmabroker
from dmabroker import aio

from .support import (
    eventually,
    full_socket,
    linear,
    live_buffers,
    open_fds,
    rest,
    standing_still,
)


class Aio(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.before = open_fds()
        self.client = await aio.connect()

    async def asyncTearDown(self) -> None:
        self.client.close()
        await asyncio.sleep(0)
        self.assertEqual(open_fds(), self.before, "fds are left")

    async def test_many_at_once(self) -> None:
        asked = [self.client.allocate(linear(self.client)) for _ in range(50)]
        buffers = await asyncio.gather(*asked)
        self.assertEqual(len({each.id for each in buffers}), 50)
        tokens = await asyncio.gather(*(each.share() for each in buffers))
        async with await aio.connect() as other:
            theirs = await asyncio.gather(*(other.redeem(str(each)) for each in tokens))
            self.assertEqual([each.id for each in theirs], [each.id for each in buffers])
            await asyncio.gather(*(each.close() for each in theirs))
        await asyncio.gather(*(each.release() for each in buffers))
        self.assertEqual(live_buffers(), [])

    async def test_a_call_that_is_cancelled_leaves_nothing(self) -> None:
        with standing_still():
            calls = [
                asyncio.create_task(self.client.allocate(linear(self.client))),
                asyncio.create_task(self.client.allocate_many(linear(self.client), 4)),
                asyncio.create_task(self.client.test(linear(self.client))),
            ]
            await asyncio.sleep(0.01)
            for each in calls:
                each.cancel()
            for each in calls:
                with self.assertRaises(asyncio.CancelledError):
                    await each
        await self.client.sync()
        eventually(lambda: live_buffers() == [], "nothing is left")
        async with await self.client.allocate(linear(self.client)) as buffer:
            with self.assertRaises(asyncio.TimeoutError), standing_still():
                await asyncio.wait_for(buffer.read(), 0.01)
            self.assertEqual(len((await buffer.read(size=8)).data), 8)

    async def test_a_call_that_is_cancelled_when_its_answer_has_come(self) -> None:
        for turns in range(12):
            call = asyncio.create_task(self.client.allocate(linear(self.client)))
            for _ in range(turns):
                await asyncio.sleep(0.0003)
            call.cancel()
            try:
                await (await call).close()
            except asyncio.CancelledError:
                pass
        await self.client.sync()
        eventually(lambda: live_buffers() == [], "nothing is left")

    async def test_a_refusal_is_an_exception_of_its_call_alone(self) -> None:
        refused, made = await asyncio.gather(
            self.client.redeem("a" * 26),
            self.client.allocate(linear(self.client)),
            return_exceptions=True,
        )
        assert isinstance(refused, dmabroker.BrokerError)
        self.assertEqual(refused.code, "invalid_token")
        assert isinstance(made, aio.Buffer)
        await made.close()

    async def test_events_until_the_client_is_closed(self) -> None:
        buffer = await self.client.allocate(linear(self.client))
        heard = []

        async def hear() -> None:
            async for event in self.client.events():
                heard.append((event.type, event.buffer.id))
                self.client.close()

        hearing = asyncio.create_task(hear())
        await asyncio.sleep(0)
        await asyncio.to_thread(rest, "DELETE", f"/v1/buffers/{buffer.id}")
        await asyncio.wait_for(hearing, 10)
        self.assertEqual(heard, [("released", buffer.id)])
        await buffer.close()

    async def test_who_waits_for_an_answer_is_told_that_the_buffer_is_closed(self) -> None:
        for end in (aio.Buffer.close, aio.Buffer.release):
            buffer = await self.client.allocate(linear(self.client, lifetime=dmabroker.Lease(60)))
            calls = (buffer.renew(120), buffer.park(120), buffer.commit({"a": 1}), buffer.reissue())
            asked = [asyncio.create_task(each) for each in calls]
            await asyncio.sleep(0)
            await end(buffer)
            for each in asked:
                with self.assertRaisesRegex(ValueError, "the buffer is closed"):
                    await asyncio.wait_for(each, 10)
            rest("DELETE", f"/v1/buffers/{buffer.id}")
        self.assertEqual(len(self.client._line.core.waiting), 0)

    async def test_to_connect_is_given_up_while_too_many_wait(self) -> None:
        with full_socket() as path:
            before = open_fds(), threading.active_count()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(aio.connect(path), 0.05)
            self.assertEqual((open_fds(), threading.active_count()), before)

    async def test_two_reissue_at_once(self) -> None:
        async with await self.client.allocate(linear(self.client)) as buffer:
            await asyncio.gather(buffer.reissue(), buffer.reissue())
            self.assertEqual(buffer.generation, 1)

    async def test_calls_after_the_end(self) -> None:
        buffer = await self.client.allocate(linear(self.client))
        self.client.close()
        for call in (self.client.sync(), self.client.allocate(linear(self.client))):
            with self.assertRaises(dmabroker.ConnectionEnded):
                await call
        with self.assertRaises(dmabroker.ConnectionEnded):
            await buffer.release()
        with buffer.map() as mapping:
            self.assertEqual(mapping.view[0], 0)
        await buffer.close()


if __name__ == "__main__":
    unittest.main()
