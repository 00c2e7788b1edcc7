"""
A daemon that is killed: calls end with ConnectionEnded, memory stays. It is the last of the daemon that the caller has
started for it.
"""

import asyncio
import os
import signal
import unittest
from collections.abc import Callable

import dmabroker
from dmabroker import aio

from .support import PID, Case, linear, standing_still


class Vanishing(Case):
    def test_everything_hears_of_it(self) -> None:
        client = dmabroker.connect()
        buffer = client.allocate(linear(client))
        mapping = buffer.map()
        share = buffer.share()

        async def wait() -> None:
            other = await aio.connect()
            theirs = await other.redeem(share.token)
            with standing_still():
                calls = [
                    asyncio.create_task(other.allocate(linear(other))),
                    asyncio.create_task(theirs.renew(5)),
                    asyncio.create_task(theirs.read()),
                    asyncio.create_task(other.sync()),
                ]

                async def hear() -> None:
                    async for _ in other.events():
                        pass

                calls.append(asyncio.create_task(hear()))
                await asyncio.sleep(0.01)
                os.kill(PID, signal.SIGKILL)
            for ended in await asyncio.gather(*calls, return_exceptions=True):
                self.assertIsInstance(ended, dmabroker.ConnectionEnded)
                assert isinstance(ended, dmabroker.ConnectionEnded)
                self.assertTrue(ended.by_daemon)
            self.assertTrue(other.closed)
            await theirs.close()

        asyncio.run(wait())
        with self.assertRaises(dmabroker.ConnectionEnded) as over:
            client.sync()
        self.assertTrue(over.exception.by_daemon)
        self.assertIsInstance(over.exception, ConnectionError)
        calls: list[Callable[[], object]] = [
            buffer.share,
            buffer.read,
            share.revoke,
            buffer.reissue,
        ]
        for call in calls:
            with self.assertRaises(dmabroker.ConnectionEnded):
                call()
        with self.assertRaises(dmabroker.ConnectionEnded):
            next(client.events())
        with mapping.writing() as memory:
            memory[0] = 1
        fd = buffer.detach()
        buffer.close()
        client.close()
        os.close(fd)
        with self.assertRaises(OSError):
            dmabroker.connect()


if __name__ == "__main__":
    unittest.main()
