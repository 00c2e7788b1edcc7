"""The blocking client with a daemon: buffers, errors, time, fds, processes."""

import fcntl
import gc
import os
import pickle
import select
import signal
import threading
import time
import unittest
import warnings
from collections.abc import Callable

import dmabroker
from dmabroker import _operations as operations
from dmabroker import _work as work

from .support import (
    Case,
    eventually,
    full_socket,
    image,
    linear,
    live_buffers,
    rest,
    standing_still,
)


class Buffers(Case):
    def setUp(self) -> None:
        super().setUp()
        self.client = dmabroker.connect()
        self.addCleanup(self.client.close)

    def test_shared_memory_is_the_same(self) -> None:
        with self.client.allocate(linear(self.client)) as buffer, dmabroker.connect() as other:
            with buffer.map() as mapping, mapping.writing() as memory:
                memory[:5] = b"hello"
            share = buffer.share(uses=2)
            with other.redeem(share.token) as theirs:
                self.assertEqual(theirs.id, buffer.id)
                with theirs.map(write=False) as mapping, mapping.reading() as memory:
                    self.assertEqual(bytes(memory[:5]), b"hello")
            with self.assertRaises(dmabroker.BrokerError) as unlike:
                other.redeem(share.token, handle_types=["opaque_fd"])
            self.assertEqual(unlike.exception.code, "unsupported_handle_type")
            self.assertEqual(unlike.exception.refusal["possible"], [buffer.handle_type])
            with self.assertRaisesRegex(TypeError, "handle_types"):
                other.redeem(share.token, handle_types=[])
            share.revoke()
            share.revoke()
            with self.assertRaises(dmabroker.BrokerError) as refused:
                other.redeem(share.token)
            self.assertEqual(refused.exception.code, "invalid_token")

    def test_every_fd_is_closed_on_exec(self) -> None:
        with self.client.allocate(linear(self.client)) as buffer:
            for fd in (buffer.fileno(), self.client.fileno()):
                self.assertTrue(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)

    def test_an_fd_that_is_handed_over_outlives_all(self) -> None:
        buffer = self.client.allocate(linear(self.client))
        fd = buffer.detach()
        self.addCleanup(os.close, fd)
        with self.assertRaises(ValueError):
            buffer.detach()
        with self.assertRaisesRegex(ValueError, "handed over"):
            buffer.map()
        buffer.close()
        self.client.close()
        self.assertGreaterEqual(os.fstat(fd).st_size, 8192)

    def test_close_releases_and_is_done_once(self) -> None:
        buffer = self.client.allocate(linear(self.client))
        self.assertIn(buffer.id, live_buffers())
        buffer.close()
        buffer.close()
        self.assertTrue(buffer.closed)
        self.assertNotIn(buffer.id, live_buffers())
        calls: list[Callable[[], object]] = [buffer.release, buffer.share, buffer.map]
        for call in calls:
            with self.assertRaisesRegex(ValueError, "closed"):
                call()

    def test_what_is_until_released_stays_until_then(self) -> None:
        buffer = self.client.allocate(linear(self.client, lifetime="until_released"))
        token = buffer.share(uses=1).token
        buffer.close()
        again = self.client.redeem(token)
        self.assertIn(again.id, live_buffers())
        again.close()
        rest("DELETE", f"/v1/buffers/{again.id}")

    def test_several_or_none(self) -> None:
        most = self.client.broker.limits["batch"]
        with self.assertRaisesRegex(ValueError, f"count must be from 1 to {most}, and is"):
            self.client.allocate_many(linear(self.client), most + 1)
        ring = self.client.allocate_many(linear(self.client), 3)
        self.assertEqual(len({each.id for each in ring}), 3)
        for each in ring:
            each.release()

    def test_a_refusal_says_what_would_be_possible(self) -> None:
        with self.assertRaises(dmabroker.BrokerError) as refused:
            self.client.allocate(linear(self.client, source="nowhere"))
        error = refused.exception
        self.assertEqual(
            (error.code, error.refusal["constraint"]), ("unsupported_source", "sources")
        )
        assert error.nearest is not None
        self.client.allocate(error.nearest).close()
        self.assertEqual(pickle.loads(pickle.dumps(error)).refusal, error.refusal)

    def test_who_waits_for_memory_is_told_its_place(self) -> None:
        held = self.client.allocate(linear(self.client))
        quota = f"/v1/quotas/user/{os.getuid()}"
        limit = held.size
        rest("PUT", quota, {"bytes": limit})
        self.addCleanup(rest, "DELETE", quota)
        places: list[int] = []

        def on_waiting(place: int) -> None:
            places.append(place)
            # Room is made while it waits: by another thread, since this one is in the call.
            threading.Thread(target=rest, args=("DELETE", quota)).start()

        with self.client.allocate(
            linear(self.client, wait_ms=60_000), on_waiting=on_waiting
        ) as buffer:
            self.assertEqual(buffer.size, held.size)
        self.assertEqual(places, [1])
        rest("PUT", quota, {"bytes": limit})
        with self.assertRaises(dmabroker.BrokerError) as raised:
            self.client.allocate(linear(self.client, wait_ms=20))
        self.assertEqual(raised.exception.code, "limit_exceeded")
        self.assertGreaterEqual(raised.exception.refusal["waited_ms"], 20)
        held.release()

    def test_a_dry_run_takes_nothing(self) -> None:
        planned = self.client.test(image(self.client, 64, 32, "NV12"))
        self.assertEqual([each.memory for each in planned.planes], [0, 0])
        self.assertEqual(live_buffers(), [])

    def test_work(self) -> None:
        with (
            self.client.allocate(linear(self.client)) as one,
            self.client.allocate(linear(self.client)) as two,
        ):
            one.fill(0x01020304, offset=8, size=4)
            two.copy_from(one, size=16, offset=16)
            content = two.read(offset=16, size=12)
            self.assertEqual(content.data[:8], bytes(8))
            self.assertEqual(sorted(content.data[8:]), [1, 2, 3, 4])
            self.assertIn(content.path, ("cpu", "device"))
            with self.assertRaises(dmabroker.BrokerError):
                one.fill(0, offset=2, size=4)

    def test_events(self) -> None:
        with self.client.allocate(linear(self.client, lifetime=dmabroker.Lease(600))) as buffer:
            events = self.client.events(timeout=10)
            left = buffer.lease_seconds_left
            assert left is not None
            self.assertGreater(left, 500)
            buffer.renew(900)
            self.assertEqual(next(events), ("leased", buffer))
            rest("DELETE", f"/v1/buffers/{buffer.id}")
            self.assertEqual(next(events), ("released", buffer))
            self.assertEqual(buffer.released, "administrator")
            self.assertEqual(list(self.client.events(timeout=0.01)), [])

    def test_a_loop_of_ones_own(self) -> None:
        with self.client.allocate(linear(self.client)) as buffer:
            poll = select.poll()
            poll.register(self.client, select.POLLIN)
            rest("DELETE", f"/v1/buffers/{buffer.id}")
            self.assertNotEqual(poll.poll(10_000), [])
            self.client.dispatch()
            self.assertEqual(buffer.released, "administrator")

    def test_threads_share_a_client(self) -> None:
        failed: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(20):
                    with self.client.allocate(linear(self.client)) as buffer:
                        buffer.share()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(failed, [])

    def test_who_waits_for_events_holds_up_nobody(self) -> None:
        with self.client.allocate(linear(self.client)) as buffer:
            events = self.client.events(timeout=10)
            heard = []
            thread = threading.Thread(target=lambda: heard.append(next(events)))
            thread.start()
            for _ in range(20):
                self.client.sync()
            self.assertEqual(heard, [])
            rest("DELETE", f"/v1/buffers/{buffer.id}")
            # Whichever of the two threads hears of it.
            self.client.sync()
            thread.join()
            self.assertEqual(heard, [("released", buffer)])

    def test_a_buffer_that_is_forgotten_is_let_go_of(self) -> None:
        buffer = self.client.allocate(linear(self.client))
        name = buffer.id
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            del buffer
            gc.collect()
        self.assertEqual([each.category for each in said], [ResourceWarning])
        self.client.sync()
        self.assertNotIn(name, live_buffers())

    def test_an_import_of_what_is_no_dma_buf_is_refused(self) -> None:
        fd = os.memfd_create("test")
        os.ftruncate(fd, 8192)
        self.addCleanup(os.close, fd)
        memory = dmabroker.ImportedLinear(8192, [dmabroker.BroughtPlane(fd)])
        with self.assertRaises(dmabroker.BrokerError) as refused:
            self.client.import_memory(memory)
        self.assertEqual(refused.exception.code, "invalid_argument")
        os.fstat(fd)


class Time(Case):
    def test_a_call_that_takes_too_long_is_given_up(self) -> None:
        with dmabroker.connect() as client:
            with standing_still(), self.assertRaises(TimeoutError):
                client.allocate(linear(client), timeout=0.02)
            client.sync()
            eventually(lambda: live_buffers() == [], "nothing is left of it")
            client.allocate(linear(client)).close()

    def test_several_are_given_up_together(self) -> None:
        with dmabroker.connect() as client:
            with standing_still(), self.assertRaises(TimeoutError):
                client.allocate_many(linear(client), 5, timeout=0.02)
            client.sync()
            eventually(lambda: live_buffers() == [], "nothing is left of them")

    def test_a_signal_interrupts_and_the_connection_goes_on(self) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupted)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        with dmabroker.connect() as client:
            with standing_still(), self.assertRaises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                client.allocate(linear(client))
            client.allocate(linear(client)).close()
            eventually(lambda: live_buffers() == [], "nothing is left of it")

    def test_a_signal_handler_does_not_call_into_a_call(self) -> None:
        client = dmabroker.connect()
        said: list[str] = []

        def call(*_: object) -> None:
            try:
                client.sync()
            except RuntimeError as error:
                said.append(str(error))

        before = signal.signal(signal.SIGALRM, call)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        with client:
            with standing_still(), self.assertRaises(TimeoutError):
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                client.sync(timeout=0.5)
            self.assertRegex(said[0], "in a call")
            client.sync()

    def test_a_work_and_a_share_are_given_up(self) -> None:
        with dmabroker.connect() as client, client.allocate(linear(client)) as buffer:
            with standing_still():
                with self.assertRaises(TimeoutError):
                    buffer.read(timeout=0.01)
                with self.assertRaises(TimeoutError):
                    buffer.share(timeout=0.01)
            self.assertEqual(len(buffer.read(size=16).data), 16)


    def test_what_waits_its_turn_while_another_thread_closes_the_buffer(self) -> None:
        with dmabroker.connect() as client:
            buffer, other = client.allocate(linear(client)), client.allocate(linear(client))
            client.sync()
            core = client._line.core
            line, link, theirs = client._line, buffer._link(), other._link()
            waiting = [
                operations.share(link, uses=1, uid=None, seconds=None, may_renew=False),
                operations.renew(link, 5),
                operations.commit(link, revision=None, metadata={"a": 1}),
                operations.reissue(link),
                work.fill(line, link, 7, 0, None),
                work.copy(line, theirs, link, 0, None, 0),
                link.destroy(release=False),
            ]
            buffer.close()
            objects = len(core._objects)
            # Its number is another's from here on.
            again = client.allocate(linear(client))
            for each in waiting:
                with self.assertRaisesRegex(ValueError, "the buffer is closed"):
                    client._run(each)
            self.assertEqual((len(core.waiting), len(core._objects)), (0, objects + 1))
            self.assertIsNone(buffer._shut())
            again.close()
            other.close()

    def test_connecting_waits_where_too_many_do(self) -> None:
        with full_socket() as path, self.assertRaisesRegex(TimeoutError, "too many others"):
            dmabroker.connect(path, timeout=0.01)

    def test_a_token_that_nobody_will_revoke_costs_the_connection_nothing(self) -> None:
        with dmabroker.connect() as client, client.allocate(linear(client)) as buffer:
            client.sync()
            objects = len(client._line.core._objects)
            tokens = [str(buffer.share()) for _ in range(5)]
            client.sync()
            self.assertEqual(len(client._line.core._objects), objects)
            client.redeem(tokens[0]).close()
            kept = buffer.share()
            kept.revoke()
            del kept
            client.redeem(tokens[1]).close()

    def test_a_commit_that_cannot_be_sent_leaves_nobody_waiting(self) -> None:
        with dmabroker.connect() as client, client.allocate(linear(client)) as buffer:
            with self.assertRaises(ValueError):
                buffer.commit({"a": "b" * 65536})
            self.assertEqual(len(client._line.core.waiting), 0)


class Processes(Case):
    def test_a_forked_process_closes_its_copy_while_a_thread_is_in_a_call_here(self) -> None:
        with dmabroker.connect() as client:
            with standing_still():
                calling = threading.Thread(target=client.sync)
                calling.start()
                eventually(client._driver._mutex.locked, "it is in the call")
                child = os.fork()
                if child == 0:
                    signal.alarm(10)
                    client.close()
                    os._exit(0)
                self.assertEqual(os.waitpid(child, 0)[1], 0)
            calling.join()
            client.sync()

    def test_a_process_that_was_forked_may_not_use_it_and_does_not_end_it(self) -> None:
        with dmabroker.connect() as client, client.allocate(linear(client)) as buffer:
            mapping = buffer.map()
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    client.sync()
                except dmabroker.ForkedError:
                    # Memory is shared, and what is closed is the child's copy.
                    with mapping.writing() as memory:
                        memory[0] = 7
                    buffer.close()
                    client.close()
                    status = 0
                finally:
                    os._exit(status)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            with mapping.reading() as memory:
                self.assertEqual(memory[0], 7)
            client.sync()
            self.assertIn(buffer.id, live_buffers())

    def test_the_end_is_heard_although_a_process_that_was_forked_has_the_socket(self) -> None:
        client = dmabroker.connect()
        buffer = client.allocate(linear(client))
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        try:
            client.close()
            eventually(lambda: live_buffers() == [], "the buffer went with the connection")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            buffer.close()

    def test_a_successor_adopts_what_was_parked(self) -> None:
        with dmabroker.connect() as before:
            buffer = before.allocate(linear(before))
            with buffer.map() as mapping, mapping.writing() as memory:
                memory[:3] = b"abc"
            buffer.park(60)
        with dmabroker.connect() as client:
            again = client.adopt(buffer.id, before.session)
            buffer.close()
            self.assertEqual(again.read(size=3).data, b"abc")
            again.release()

    def test_the_next_process_goes_on_with_what_was_left(self) -> None:
        name = "python/model"
        metadata = {"tensors": {"w": {"offset": 0, "dtype": "f32", "shape": [2]}}, "of": "ü"}
        with dmabroker.connect() as before:
            asked = linear(before, lifetime="until_released", lasting_name=name)
            with before.allocate(asked) as buffer, dmabroker.connect() as reader:
                with self.assertRaises(dmabroker.BrokerError) as caught:
                    reader.claim(name, committed=True, wait=0.01)
                self.assertEqual(caught.exception.refusal["constraint"], "committed")
                committed = buffer.commit(metadata)
                self.assertEqual(committed, dmabroker.Committed(1, dmabroker.layout_digest(buffer)))
                with reader.claim(name, committed=True) as read:
                    self.assertEqual((read.committed, read.metadata), (committed, metadata))
                    events = reader.events(timeout=5)
                    buffer.commit(revision=3)
                    self.assertEqual(next(events).type, "committed")
                    assert read.committed is not None
                    self.assertEqual((read.committed.revision, read.metadata), (3, metadata))
        with dmabroker.connect() as client, client.claim(name, writer=True, wait=10) as again:
            self.assertEqual(again.commit({}).revision, 4)
            self.assertEqual(again.metadata, {})
            with self.assertRaises(ValueError):
                again.commit({"long": "x" * 65536})
            with self.assertRaises(TypeError):
                again.commit([])  # type: ignore[arg-type]
            again.release()


if __name__ == "__main__":
    unittest.main()
