#!/usr/bin/env python3
"""
A client of dmabroker in Python, with pywayland.

    dmabroker-example.py [--memfd] alloc          allocate an image, write to it, print a token; at a line
                                                  on stdin revoke the token, at the next release the buffer
    dmabroker-example.py [--memfd] redeem TOKEN   get a shared buffer, write its bytes to stdout
"""
import fcntl
import mmap
import os
import struct
import sys

import dmabroker_wire

dmabroker_wire.generate()
from dmabroker_v1 import DmabrokerManagerV1, DmabrokerParamsV1  # noqa: E402
from pywayland.client import Display  # noqa: E402

NV12 = int.from_bytes(b"NV12", "little")
ANY_USER = 0xFFFFFFFF

# <linux/dma-buf.h>: _IOW('b', 0, struct dma_buf_sync)
DMA_BUF_IOCTL_SYNC = 0x40086200
SYNC_READ, SYNC_WRITE, SYNC_START, SYNC_END = 1, 2, 0, 4


class Refused(Exception):
    pass


class Buffer:
    """What the broker has told of a buffer. The fds are ours, and close() closes them."""

    def __init__(self, made):
        self.object = made
        self.memories = []  # bytes of each: so much can be mapped, and no more
        self.planes = []
        self.refusal, self.complete = None, False
        made.dispatcher["memory"] = lambda _, index, hi, lo: self.memories.append(hi << 32 | lo)
        made.dispatcher["plane"] = self.plane
        made.dispatcher["long_detail"] = lambda _, fd, size: os.close(fd)
        made.dispatcher["failed"] = self.failed
        made.dispatcher["done"] = self.done

    def plane(self, _, fd, handle_type, index, memory, offset, stride):
        self.planes.append((fd, memory))

    def failed(self, _, code, message, detail):
        self.refusal = message

    def done(self, _):
        self.complete = True

    def wait(self, display):
        while not self.complete and self.refusal is None:
            display.dispatch(block=True)
        if self.refusal is not None:
            raise Refused(self.refusal)
        return self

    def with_memory(self, index, writes, use):
        """Calls use with a memory's bytes, between DMA_BUF_IOCTL_SYNC's start and end."""
        fd = next(fd for fd, memory in self.planes if memory == index)
        access = SYNC_READ | SYNC_WRITE if writes else SYNC_READ
        protection = mmap.PROT_READ | mmap.PROT_WRITE if writes else mmap.PROT_READ
        with mmap.mmap(fd, self.memories[index], mmap.MAP_SHARED, protection) as memory:
            sync(fd, SYNC_START | access)
            use(memory)
            sync(fd, SYNC_END | access)

    def close(self):
        self.object.destroy()
        for fd, _ in self.planes:
            os.close(fd)


def sync(fd, flags):
    try:
        fcntl.ioctl(fd, DMA_BUF_IOCTL_SYNC, struct.pack("=Q", flags))
    except OSError:
        pass  # A memfd knows no such ioctl, and needs none.


def create(manager, accepted):
    params = manager.create_params()
    params.set_image(640, 480, NV12)
    params.set_planes(DmabrokerParamsV1.plane_memory.separate)
    params.set_usage(DmabrokerManagerV1.usage.transfer | DmabrokerManagerV1.usage.cpu_write)
    params.set_handle_types(accepted)
    params.set_name("Python example")
    buffer = Buffer(params.create())
    params.destroy()
    return buffer


def alloc(display, manager, accepted):
    made = create(manager, accepted).wait(display)
    for index, size in enumerate(made.memories):
        made.with_memory(index, True, lambda memory: memory.write(bytes([index + 1]) * size))

    told = []
    share = made.object.share(4, ANY_USER, 0, 0)
    share.dispatcher["token"] = lambda _, token: told.append((token, None))
    share.dispatcher["long_detail"] = lambda _, fd, size: os.close(fd)
    share.dispatcher["failed"] = lambda _, code, message, detail: told.append((None, message))
    while not told:
        display.dispatch(block=True)
    token, refusal = told[0]
    if token is None:
        raise Refused(refusal)
    print(token, flush=True)

    sys.stdin.readline()
    share.revoke()
    share.destroy()
    display.roundtrip()
    print("revoked", flush=True)

    sys.stdin.readline()
    made.object.release()
    made.close()
    display.roundtrip()
    print("released", flush=True)

    # The objects are destroyed, and the connection is what it was.
    another = create(manager, accepted).wait(display)
    print(f"another of {len(another.memories)} memories", flush=True)
    another.close()


def redeem(display, manager, token):
    shared = Buffer(manager.redeem(token)).wait(display)
    for index in range(len(shared.memories)):
        shared.with_memory(index, False, lambda memory: sys.stdout.buffer.write(memory[:]))
    sys.stdout.flush()
    shared.close()


def main(args):
    accepted = DmabrokerManagerV1.handle_type.dma_buf
    if args[:1] == ["--memfd"]:
        accepted, args = DmabrokerManagerV1.handle_type.memfd, args[1:]
    with Display(dmabroker_wire.find_socket()) as display:
        managers = []

        def found(registry, name, interface, version):
            if interface == DmabrokerManagerV1.name:
                managers.append(registry.bind(name, DmabrokerManagerV1, 1))

        registry = display.get_registry()
        registry.dispatcher["global"] = found
        display.roundtrip()
        if not managers:
            raise Refused("there is no dmabroker at this socket")
        if args == ["alloc"]:
            alloc(display, managers[0], accepted)
        elif len(args) == 2 and args[0] == "redeem":
            redeem(display, managers[0], args[1])
        else:
            raise Refused("usage: dmabroker-example.py [--memfd] alloc | redeem TOKEN")
        display.roundtrip()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Refused, RuntimeError, ValueError) as error:
        sys.exit(f"dmabroker-example.py: {error}")
