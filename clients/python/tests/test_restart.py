"""
A daemon that is killed, and another one that is started at the same place by the caller: with what was kept, or with nothing, so
that it imports the dma_bufs that the client brings.
"""

import os
import signal
import unittest

import dmabroker

from .support import PID, Case, handle_types, linear

#: What the daemon that comes next knows of the buffers, as the caller has it.
EXPECTED = os.environ.get("DMABROKER_TEST_OUTCOME", "gone")


class Restart(Case):
    def test_the_memory_goes_on(self) -> None:
        client = dmabroker.connect()
        kinds = handle_types(client)
        one = client.allocate(linear(client, name="goes on"))
        two = client.allocate(
            dmabroker.Image(64, 32, "NV12", handle_types=kinds, lifetime=dmabroker.Lease(60))
        )
        mapping = one.map()
        with mapping.writing() as memory:
            memory[:5] = b"hello"
        ids = {one.id, two.id}
        os.kill(PID, signal.SIGKILL)
        with self.assertRaises(dmabroker.ConnectionEnded):
            one.share()
        taken = client.reconnect(60)
        self.assertEqual([each.outcome for each in taken], [EXPECTED, EXPECTED])
        if EXPECTED == "gone":
            assert one.gone is not None
            self.assertEqual(one.gone.code, "invalid_token")
        else:
            self.assertEqual(ids == {one.id, two.id}, EXPECTED == "adopted")
            self.assertTrue(EXPECTED == "adopted" or ids.isdisjoint({one.id, two.id}))
            self.assertEqual(two.format, "NV12")
            with (
                client.redeem(one.share().token) as theirs,
                theirs.map() as other,
                other.reading() as memory,
            ):
                self.assertEqual(bytes(memory[:5]), b"hello")
        with mapping.writing() as memory:
            memory[0] = 0
        one.close()
        two.close()
        client.close()


if __name__ == "__main__":
    unittest.main()
