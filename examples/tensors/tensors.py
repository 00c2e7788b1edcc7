#!/usr/bin/env python3
"""
A model in memory that outlives its process: one process loads tensors from a file into memory with a lasting name and ends,
the next ones claim it and compute, without reading the file again. With PyTorch where it is installed, else with numpy.

    PYTHONPATH=clients/python/src python3 examples/tensors/tensors.py [--megabytes 256] [--handle-type memfd]

The file is of safetensors' form: eight bytes of length, a JSON object (name: dtype, shape, data_offsets), the bytes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import dmabroker
import numpy

try:
    import torch
except ImportError:
    torch = None

NAME = f"example/model-{os.getuid()}"
WIDTH = 1024


def write_file(path, megabytes):
    """Layers of WIDTH × WIDTH; made with a seed, so that it is the same each time."""
    count = max(1, megabytes * 2**20 // (WIDTH * WIDTH * 4))
    random = numpy.random.default_rng(7)
    header, at = {}, 0
    for layer in range(count):
        end = at + WIDTH * WIDTH * 4
        header[f"layer.{layer}"] = {"dtype": "F32", "shape": [WIDTH, WIDTH], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in range(count):
            file.write(random.standard_normal((WIDTH, WIDTH), dtype=numpy.float32) / WIDTH**0.5)


def open_file(path):
    """The open file, its header and where the bytes begin."""
    file = open(path, "rb")
    length = int.from_bytes(file.read(8), "little")
    return file, json.loads(file.read(length)), 8 + length


def load(path, types):
    """Into named memory, straight from the file; then this process ends."""
    file, header, start = open_file(path)
    size = max(each["data_offsets"][1] for each in header.values())
    with file, dmabroker.connect() as client:
        asked = dmabroker.Linear(
            size, handle_types=types, usage=["cpu_read", "cpu_write"], lifetime=dmabroker.Lease(600), lasting_name=NAME
        )
        with client.allocate(asked) as buffer, buffer.map() as mapping:
            with mapping.writing() as memory:
                file.seek(start)
                file.readinto(memory[:size])
            buffer.commit({"tensors": header})


def views(memory, header):
    """Of each tensor, without a copy. The document is somebody else's: what does not fit is an error here."""
    found = {}
    for name, each in header.items():
        begin, end = each["data_offsets"]
        shape = each["shape"]
        if each["dtype"] != "F32" or not 0 <= begin <= end <= len(memory) or end - begin != 4 * numpy.prod(shape):
            raise ValueError(f"{name} does not lie in the memory")
        found[name] = numpy.frombuffer(memory[begin:end], dtype=numpy.float32).reshape(shape)
    return found


def compute(tensors):
    """A number that depends on all of them."""
    value = numpy.ones(WIDTH, dtype=numpy.float32)
    if torch is None:
        for weight in tensors.values():
            value = numpy.tanh(weight @ value)
        return float(value.sum())
    value = torch.from_numpy(value)
    for weight in tensors.values():
        value = torch.tanh(torch.from_numpy(weight) @ value)
    return float(value.sum())


def claim():
    """What the next process does: milliseconds until the tensors are there, and what comes of them."""
    began = time.perf_counter()
    with dmabroker.connect() as client, client.claim(NAME, committed=True, wait=30) as buffer:
        if buffer.committed.digest != dmabroker.layout_digest(buffer):
            raise ValueError("the layout is not what was committed")
        # The fds are not needed any longer than until it is mapped.
        with buffer.map(write=False) as mapping, mapping.reading() as memory:
            tensors = views(memory, buffer.metadata["tensors"])
            ready = time.perf_counter()
            result = compute(tensors)
            del tensors
    return {"ready_ms": (ready - began) * 1000, "result": result}


def from_file(path):
    """The same by reading the file."""
    began = time.perf_counter()
    file, header, start = open_file(path)
    with file:
        file.seek(start)
        tensors = views(memoryview(bytearray(file.read())), header)
    ready = time.perf_counter()
    return {"ready_ms": (ready - began) * 1000, "result": compute(tensors)}


def run(*arguments):
    """This program in another process, and what it prints."""
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def demonstrate(megabytes, types):
    print(f"computing with {'PyTorch' if torch else 'numpy'}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        write_file(path, megabytes)
        began = time.perf_counter()
        run("load", path, *types)
        print(f"loaded {megabytes} MiB into {NAME}, and that process has ended: {time.perf_counter() - began:.2f} s")
        try:
            read = json.loads(run("file", path))
            claims = [json.loads(run("claim")) for _ in range(2)]
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
    parser.add_argument("--handle-type", action="append", help="dma_buf or memfd; by default both are taken")
    given = parser.parse_args()
    match given.do:
        case ["load", path, *types]:
            load(path, types)
        case ["claim"]:
            print(json.dumps(claim()))
        case ["file", path]:
            print(json.dumps(from_file(path)))
        case _:
            return demonstrate(given.megabytes, given.handle_type or ["dma_buf", "memfd"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
