#!/usr/bin/env python3
"""
A model in memory that outlives its process: one process loads tensors from a file into memory with a lasting name and ends,
two more claim it at once and compute, without reading the file again. With PyTorch where it is installed, else with numpy; in a
GPU's own memory with --source cuda. What an administrator sees of it meanwhile is asked of the daemon's REST API.

    PYTHONPATH=clients/python/src python3 examples/tensors/tensors.py [--megabytes 256] [--source memfd]

The file is of safetensors' form: eight bytes of length, a JSON object (name: dtype, shape, data_offsets), the bytes.
"""

import argparse
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings

import dmabroker

try:
    import numpy
except ImportError:
    sys.exit("tensors.py takes numpy, which is not installed: apt install python3-numpy")
try:
    import torch
except ImportError:
    torch = None

# Memory that is mapped for reading alone: PyTorch has no word for it, and nothing here writes.
warnings.filterwarnings("ignore", "The given (NumPy array|buffer) is not writable")

NAME = f"example/model-{os.getuid()}"
PIECE = 64 << 20


def write_file(path, megabytes):
    """Square layers; made with a seed, so that it is the same each time."""
    # The document that is published of them has its limits (64 KiB), as big models have big layers.
    width = 1024 if megabytes < 512 else 4096
    count = max(1, megabytes * 2**20 // (width * width * 4))
    random = numpy.random.default_rng(7)
    header, at = {}, 0
    for layer in range(count):
        end = at + width * width * 4
        header[f"layer.{layer}"] = {"dtype": "F32", "shape": [width, width], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in range(count):
            file.write(random.standard_normal((width, width), dtype=numpy.float32) / width**0.5)


def open_file(path):
    """The open file, its header and where the bytes begin."""
    file = open(path, "rb")
    length = int.from_bytes(file.read(8), "little")
    return file, json.loads(file.read(length)), 8 + length


def request(size, source):
    """Memory that is there until ten minutes after the last renewal, or until it is released."""
    types = {"cuda": ["opaque_fd"], None: ["dma_buf", "memfd"]}.get(source, ["dma_buf", "memfd"])
    usage = ["storage"] if source == "cuda" else ["cpu_read", "cpu_write"]
    return dmabroker.Linear(
        size, handle_types=types, usage=usage, source=source, lifetime=dmabroker.Lease(600), lasting_name=NAME
    )


def load(path, source):
    """Into named memory, from the file; then this process ends."""
    file, header, start = open_file(path)
    size = max(each["data_offsets"][1] for each in header.values())
    with file, dmabroker.connect() as client, client.allocate(request(size, source)) as buffer:
        file.seek(start)
        if buffer.source == "cuda":
            mapping = buffer.cuda()
            for offset in range(0, size, PIECE):
                mapping.write(file.read(min(PIECE, size - offset)), offset)
        else:
            with buffer.map() as mapping, mapping.writing() as memory:
                file.readinto(memory[:size])
        buffer.commit({"tensors": header})


def places(header, size):
    """Offset and shape of each tensor. The document is somebody else's: what does not fit is an error here."""
    for name, each in header.items():
        begin, end = each["data_offsets"]
        shape = tuple(each["shape"])
        if each["dtype"] != "F32" or not 0 <= begin <= end <= size or end - begin != 4 * numpy.prod(shape):
            raise ValueError(f"{name} does not lie in the memory")
        yield begin, shape


def views(memory, header):
    """Of each tensor in memory of the CPU, without a copy."""
    found = [
        numpy.frombuffer(memory, numpy.float32, numpy.prod(shape), begin).reshape(shape)
        for begin, shape in places(header, len(memory))
    ]
    return found if torch is None else [torch.from_numpy(each) for each in found]


@contextlib.contextmanager
def tensors_of(buffer):
    """The tensors of a buffer, where its memory is."""
    header = buffer.metadata["tensors"]
    if buffer.source != "cuda":
        # The fds are not needed any longer than until it is mapped.
        with buffer.map(write=False) as mapping, mapping.reading() as memory:
            yield views(memory, header)
        return
    mapping = buffer.cuda()
    yield [torch.from_dlpack(mapping.tensor("float32", shape, offset=begin)) for begin, shape in places(header, len(mapping))]


def compute(tensors):
    """A number that depends on all of them."""
    if torch is None:
        value = numpy.ones(tensors[0].shape[1], dtype=numpy.float32)
        for weight in tensors:
            value = numpy.tanh(weight @ value)
        return float(value.sum())
    value = torch.ones(tensors[0].shape[1], device=tensors[0].device)
    for weight in tensors:
        value = torch.tanh(weight @ value)
    return float(value.sum())


def begin(source):
    """PyTorch's own start belongs to no figure."""
    if source == "cuda":
        torch.ones(1, device="cuda")


def claim(source):
    """What the next process does: milliseconds until the tensors are there, and what comes of them. It ends when told to."""
    begin(source)
    began = time.perf_counter()
    with dmabroker.connect() as client, client.claim(NAME, committed=True, wait=30) as buffer:
        if buffer.committed.digest != dmabroker.layout_digest(buffer):
            raise ValueError("the layout is not what was committed")
        with tensors_of(buffer) as tensors:
            ready = time.perf_counter()
            result = compute(tensors)
            del tensors
        print(json.dumps({"ready_ms": (ready - began) * 1000, "result": result}), flush=True)
        sys.stdin.read()


def from_file(path, source):
    """The same by reading the file."""
    begin(source)
    began = time.perf_counter()
    file, header, start = open_file(path)
    with file:
        file.seek(start)
        tensors = views(memoryview(bytearray(file.read())), header)
    if source == "cuda":
        tensors = [each.cuda() for each in tensors]
        torch.cuda.synchronize()
    ready = time.perf_counter()
    print(json.dumps({"ready_ms": (ready - began) * 1000, "result": compute(tensors)}))


def rest(path):
    """What the daemon's REST API answers; None where there is none, or it is not for this user."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "/run")
    for place in (os.environ.get("DMABROKER_REST_SOCKET"), f"{runtime}/dmabroker/rest.sock", "/run/dmabroker/rest.sock"):
        if place is None or not os.path.exists(place):
            continue
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            try:
                connection.sock.connect(place)
                connection.request("GET", path)
                answer = connection.getresponse()
                return json.load(answer) if answer.status == 200 else None
            except OSError:
                return None
    return None


def seen(when):
    """A line of what an administrator sees of the memory."""
    uid = os.getuid()
    for buffer in rest(f"/v1/buffers?state=live&lasting_name={NAME}&owner_uid={uid}") or []:
        orphan = buffer["orphan"]
        ends = f"an orphan, ended by {' or '.join(orphan['ends_by'])}" if orphan else "no orphan"
        holders = rest(f"/v1/buffers/{buffer['id']}/holders")["holders"]
        held = " and ".join(f"{each['executable']} {each['pid']}" for each in holders) or "nobody"
        charged = rest(f"/v1/quotas/user/{uid}")["charge"]["bytes"]
        print(f"{when}: {buffer['size'] >> 20} MiB of {buffer['source']}, {ends}, with {held}; charged {charged >> 20} MiB")


def start(*arguments):
    """This program in another process."""
    return subprocess.Popen([sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process):
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process ended with {process.wait()}")
    return json.loads(line)


def end(*processes):
    for each in processes:
        each.communicate()
        if each.returncode != 0:
            raise RuntimeError(f"a process ended with {each.returncode}")


def demonstrate(megabytes, source):
    print(f"computing with {'PyTorch' if torch else 'numpy'}")
    more = [] if source is None else ["--source", source]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        write_file(path, megabytes)
        began = time.perf_counter()
        end(start("load", path, *more))
        print(f"loaded {megabytes} MiB into {NAME}, and that process has ended: {time.perf_counter() - began:.2f} s")
        try:
            seen("by REST, then")
            reader = start("file", path, *more)
            read = said(reader)
            end(reader)
            readers = [start("claim", *more) for _ in range(2)]
            claims = [said(each) for each in readers]
            # What the daemon knows of holders is a second old at most.
            time.sleep(1)
            seen("by REST, beside two readers")
            end(*readers)
        finally:
            with dmabroker.connect() as client:
                client.claim(NAME, writer=True, wait=30).release()
    print(f"from the file:  the tensors are there after {read['ready_ms']:8.2f} ms")
    for each in claims:
        print(f"by the name:    the tensors are there after {each['ready_ms']:8.2f} ms")
    same = all(each["result"] == read["result"] for each in claims)
    print(f"all three compute {read['result']}" if same else "the results differ")
    return 0 if same else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--source", help="of the daemon's: cuda, which takes PyTorch; by default any dma_buf or memfd")
    given = parser.parse_args()
    if given.source == "cuda" and torch is None:
        parser.error("--source cuda takes PyTorch")
    match given.do:
        case ["load", path]:
            load(path, given.source)
        case ["claim"]:
            claim(given.source)
        case ["file", path]:
            from_file(path, given.source)
        case _:
            return demonstrate(given.megabytes, given.source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
