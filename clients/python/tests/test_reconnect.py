"""The daemon's end of a connection goes, and the client is back: by an administrator's hand; test_vanishing.py has a kill."""

import asyncio
import os
import unittest
from collections.abc import Iterable
from unittest import mock

import dmabroker
from dmabroker import aio
from dmabroker._reconnect import Attempts

from .support import Case, eventually, linear, live_buffers, open_fds, rest


def disconnect_all() -> None:
    for each in rest("GET", "/v1/clients"):
        rest("DELETE", f"/v1/clients/{each['id']}")


def outcomes(taken: Iterable[dmabroker.Taken]) -> dict[dmabroker.BaseBuffer, str]:
    return {each.buffer: each.outcome for each in taken}


class Blocking(Case):
    def test_what_it_has_is_adopted_or_gone(self) -> None:
        client = dmabroker.connect()
        leased = client.allocate(linear(client, lifetime=dmabroker.Lease(60)))
        kept = client.allocate(linear(client, lifetime="until_released"))
        bound = client.allocate(linear(client))
        redeemed = client.redeem(kept.share().token)
        with leased.map() as mapping, mapping.writing() as memory:
            memory[:5] = b"hello"
        buffers = [leased, kept, bound, redeemed]
        before = [(each.id, each.fileno()) for each in buffers]
        fds, session = open_fds(), client.session
        for _ in range(2):
            disconnect_all()
            with self.assertRaises(dmabroker.ConnectionEnded) as ended:
                client.sync()
            self.assertTrue(ended.exception.by_daemon)
            taken = client.reconnect(10)
            self.assertEqual([(each.id, each.fileno()) for each in buffers], before)
            self.assertEqual(open_fds(), fds)
        self.assertNotEqual(client.session, session)
        told = outcomes(taken)
        self.assertEqual(told, dict.fromkeys([leased, kept, redeemed], "adopted"))
        assert bound.gone is not None
        self.assertEqual(bound.gone.code, "not_found")
        self.assertNotIn(bound, told, "it was told the first time")
        with self.assertRaises(dmabroker.BrokerError):
            bound.share()
        bound.map().close()
        self.assertEqual(leased.read(size=5).data, b"hello")
        leased.renew(600)
        left = leased.lease_seconds_left
        assert left is not None
        self.assertGreater(left, 500)
        self.assertEqual(client.reconnect(), [], "there is a connection")
        for each in buffers:
            if each.gone is None:
                each.release()
            each.close()
        self.assertEqual(live_buffers(), [])
        client.close()

    def test_what_is_taken_up_is_used_before_the_others_are(self) -> None:
        client = dmabroker.connect()
        buffer = client.allocate(linear(client, lifetime=dmabroker.Lease(60)))
        before = client._driver
        disconnect_all()
        with self.assertRaises(dmabroker.ConnectionEnded):
            client.sync()
        client.reconnect(10)
        # As another thread has it meanwhile.
        with mock.patch.object(client, "_driver", before):
            share = buffer.share(timeout=10)
            share.revoke(timeout=10)
            buffer.release(timeout=10)
        client.close()

    def test_nobody_is_there(self) -> None:
        client = dmabroker.connect()
        disconnect_all()
        with self.assertRaises(dmabroker.ConnectionEnded):
            client.sync()
        client._path = "/nonexistent/client.sock"
        with self.assertRaisesRegex(dmabroker.ConnectionEnded, "No such file") as failed:
            client.reconnect(0.1)
        self.assertTrue(failed.exception.by_daemon)

    def test_what_the_client_has_ended_is_not_made_again(self) -> None:
        client = dmabroker.connect()
        client.close()
        with self.assertRaisesRegex(dmabroker.ConnectionEnded, "closed"):
            client.reconnect()

    def test_who_may_not_connect_does_not_try_again(self) -> None:
        attempts = Attempts(dmabroker.ConnectionEnded("it has gone", by_daemon=True), 10)
        attempts.failed(FileNotFoundError(2, os.strerror(2)))
        with self.assertRaises(PermissionError):
            attempts.failed(PermissionError(13, os.strerror(13)))
        self.assertLess(attempts.pause(), 0.1)


class Aio(unittest.IsolatedAsyncioTestCase):
    async def test_what_it_has_is_adopted(self) -> None:
        before = open_fds()
        client = await aio.connect()
        buffer = await client.allocate(linear(client, lifetime=dmabroker.Lease(60)))
        await asyncio.to_thread(disconnect_all)
        with self.assertRaises(dmabroker.ConnectionEnded):
            async for _ in client.events():
                pass
        first, second = await asyncio.gather(client.reconnect(10), client.reconnect(10))
        self.assertEqual([*first, *second], [(buffer, "adopted")])
        self.assertEqual(len((await buffer.read()).data), buffer.size)
        await buffer.release()
        client.close()
        await asyncio.sleep(0)
        eventually(lambda: live_buffers() == [], "it is released")
        self.assertEqual(open_fds(), before)


if __name__ == "__main__":
    unittest.main()
