#!/usr/bin/env python3
"""
The driver of the Python library: conformance/README.md has the commands. With `--aio` it is that of its asyncio client.

Owns: the connection, and what was got through it, until `disconnect`.
"""

import asyncio
import dataclasses
import fcntl
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "clients/python/src"))

import dmabroker
import dmabroker.aio

AIO = "--aio" in sys.argv[1:]


async def done(value):
    """What a call of either client returns."""
    return await value if asyncio.iscoroutine(value) else value


def modifier_text(value):
    return None if value is None else f"0x{value:016x}"


def request_of(words, kinds):
    """A request in the words of CreateBuffer, as the library's own."""
    words = dict(words)
    kind = kinds[words.pop("kind")]
    for name, build in (
        ("lifetime", lifetime_of),
        ("alignment", lambda value: dmabroker.Alignment(**value)),
        ("modifiers", lambda values: [int(each, 16) for each in values]),
        ("modifier", lambda value: int(value, 16)),
        ("layout", lambda values: [dmabroker.PlaneLayout(**each) for each in values]),
        ("memory", own_memory),
    ):
        if words.get(name) is not None:
            words[name] = build(words[name])
    sources = words.pop("sources", None)
    if sources:
        words["source"] = sources[0]
    return kind(**words)


def own_memory(words):
    """A memfd as the words have it."""
    fd = os.memfd_create("conformance", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, words["size"])
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    os.pwrite(fd, bytes.fromhex(words.get("bytes", "")), words.get("offset", 0))
    return dmabroker.OwnMemory(fd, words.get("offset", 0))


def lifetime_of(words):
    return dmabroker.Lease(words["seconds"]) if words["type"] == "lease" else words["type"]


WANTED = {"buffer": dmabroker.Linear, "image": dmabroker.Image}
BROUGHT = {"buffer": dmabroker.ImportedLinear, "image": dmabroker.ImportedImage}


def described(buffer):
    checked = buffer.checked
    why = buffer.fell_back
    return {
        "id": buffer.id,
        "generation": buffer.generation,
        "handle_type": buffer.handle_type,
        "source": buffer.source,
        "size": buffer.size,
        "format": buffer.format,
        "modifier": modifier_text(buffer.modifier),
        "width": buffer.width,
        "height": buffer.height,
        "memories": [{"size": each.size} for each in buffer.memories],
        "planes": [places(each) for each in buffer.planes],
        "device": buffer.device,
        "checked": None if checked is None else {"how": checked.how, "reason": checked.reason},
        "unverified_usage": list(buffer.unverified_usage),
        "fell_back": None if why is None else dataclasses.asdict(why),
    }


def places(plane):
    return {"memory": plane.memory, "offset": plane.offset, "stride": plane.stride}


def given(args, *names):
    """Arguments of a call: what is not said is left out."""
    return {name: args[name] for name in names if name in args}


class Driver:
    """One connection at a time; each method that is not private is a command."""

    def __init__(self):
        self._client = None
        self._buffers, self._mappings, self._shares = {}, {}, {}

    def _connected(self):
        if self._client is None:
            raise ValueError("connect comes first")
        return self._client

    def _memory_of(self, words):
        words = dict(words)
        planes = []
        for each in words.pop("planes"):
            plane = self._buffers[each["buffer"]].planes[each["plane"]]
            planes.append(dmabroker.BroughtPlane(plane.fileno(), each["offset"], each["stride"]))
        return request_of({**words, "planes": planes}, BROUGHT)

    async def _keep(self, buffer, name):
        """What has no name is told, and let go."""
        what = described(buffer)
        if name is None:
            await done(buffer.close())
        else:
            self._buffers[name] = buffer
        return what

    async def hello(self, args, name):
        can = [each for each in vars(Driver) if not each.startswith("_")]
        language = "Python, asyncio" if AIO else "Python"
        return {
            "library": "dmabroker",
            "language": language,
            "can": [each.rstrip("_") for each in can],
        }

    async def connect(self, args, name):
        module = dmabroker.aio if AIO else dmabroker
        self._client = await done(module.connect(args.get("socket")))
        broker = self._client.broker
        return {
            "devices": [
                {
                    field: getattr(each, field)
                    for field in ("name", "device_uuid", "driver_uuid", "main_device")
                }
                for each in broker.devices
            ],
            "sources": [
                {
                    field: getattr(each, field)
                    for field in ("name", "handle_type", "usable", "reason")
                }
                for each in broker.sources
            ],
            "limits": broker.limits,
            "session": broker.session,
        }

    async def disconnect(self, args, name):
        if self._client is not None:
            self._client.close()
        self._client = None
        for buffer in self._buffers.values():
            await done(buffer.close())
        for mapping in self._mappings.values():
            mapping.close()
        for each in (self._buffers, self._mappings, self._shares):
            each.clear()
        return {}

    async def sync(self, args, name):
        await done(self._connected().sync())
        return {}

    async def allocate(self, args, name):
        request = request_of(args["request"], WANTED)
        try:
            return await self._keep(await done(self._connected().allocate(request)), name)
        finally:
            if request.memory is not None:
                os.close(request.memory.fd)

    async def allocate_many(self, args, name):
        request = request_of(args["request"], WANTED)
        made = await done(self._connected().allocate_many(request, args["count"]))
        names = [None if name is None else f"{name}{index}" for index in range(len(made))]
        return {"buffers": [await self._keep(*each) for each in zip(made, names, strict=True)]}

    async def test(self, args, name):
        planned = await done(self._connected().test(request_of(args["request"], WANTED)))
        return {
            "source": planned.source,
            "handle_type": planned.handle_type,
            "size": planned.size,
            "modifier": modifier_text(planned.modifier),
            "memories": [{"size": each.size} for each in planned.memories],
            "planes": [places(each) for each in planned.planes],
            "unverified_usage": list(planned.unverified_usage),
        }

    async def import_(self, args, name):
        memory = self._memory_of(args["request"])
        return await self._keep(await done(self._connected().import_memory(memory)), name)

    async def redeem(self, args, name):
        terms = given(args, "handle_types")
        return await self._keep(await done(self._connected().redeem(args["token"], **terms)), name)

    async def adopt(self, args, name):
        memory = self._memory_of(args["request"]) if "request" in args else None
        adopted = self._connected().adopt(args["id"], args["session"], memory)
        return await self._keep(await done(adopted), name)

    async def claim(self, args, name):
        terms = given(args, "writer", "committed")
        terms["wait"] = args.get("wait", 0) / 1000
        return await self._keep(await done(self._connected().claim(args["name"], **terms)), name)

    async def commit(self, args, name):
        terms = given(args, "metadata", "revision")
        committed = await done(self._buffers[args["buffer"]].commit(**terms))
        return {"revision": committed.revision, "digest": committed.digest}

    async def published(self, args, name):
        await done(self._connected().sync())
        buffer = self._buffers[args["buffer"]]
        committed = buffer.committed
        return {
            "revision": None if committed is None else committed.revision,
            "digest": None if committed is None else committed.digest,
            "metadata": buffer.metadata,
        }

    async def layout_digest(self, args, name):
        return {"digest": dmabroker.layout_digest(self._buffers[args["buffer"]])}

    async def share(self, args, name):
        terms = given(args, "uses", "uid", "seconds", "may_renew")
        share = await done(self._buffers[args["buffer"]].share(**terms))
        if name is not None:
            self._shares[name] = share
        return {"token": share.token, "token_id": share.token_id}

    async def revoke(self, args, name):
        await done(self._shares[args["share"]].revoke())
        return {}

    async def renew(self, args, name):
        await done(self._buffers[args["buffer"]].renew(args["seconds"]))
        return {}

    async def park(self, args, name):
        await done(self._buffers[args["buffer"]].park(args["seconds"]))
        return {}

    async def reissue(self, args, name):
        buffer = self._buffers[args["buffer"]]
        await done(buffer.reissue())
        return described(buffer)

    async def state(self, args, name):
        # What the daemon has said before is heard first.
        await done(self._connected().sync())
        buffer = self._buffers[args["buffer"]]
        return {
            "released": buffer.released,
            "recalled": None if buffer.recalled is None else buffer.recalled.reason,
            "leased": buffer.lease_seconds_left is not None,
            "lost": buffer.lost,
            "generation": buffer.generation,
        }

    async def release(self, args, name):
        await done(self._buffers[args["buffer"]].release())
        return {}

    async def close(self, args, name):
        await done(self._buffers[args["buffer"]].close())
        return {}

    async def map(self, args, name):
        mapping = self._buffers[args["buffer"]].map(**given(args, "memory", "plane", "write"))
        if name is not None:
            self._mappings[name] = mapping
        return {"size": len(mapping)}

    async def poke(self, args, name):
        content = bytes.fromhex(args["bytes"])
        with self._mappings[args["mapping"]].writing() as memory:
            memory[args["offset"] : args["offset"] + len(content)] = content
        return {}

    async def peek(self, args, name):
        with self._mappings[args["mapping"]].reading() as memory:
            return {"bytes": memory[args["offset"] : args["offset"] + args["size"]].hex()}

    async def unmap(self, args, name):
        self._mappings[args["mapping"]].close()
        return {}

    async def fill(self, args, name):
        buffer = self._buffers[args["buffer"]]
        return {"path": await done(buffer.fill(args["value"], **given(args, "offset", "size")))}

    async def copy(self, args, name):
        source = self._buffers[args["source"]]
        ranges = given(args, "offset", "size", "source_offset")
        return {"path": await done(self._buffers[args["buffer"]].copy_from(source, **ranges))}

    async def read(self, args, name):
        content = await done(self._buffers[args["buffer"]].read(**given(args, "offset", "size")))
        return {"bytes": content.data.hex(), "path": content.path}

    async def fds(self, args, name):
        return {"open": len(os.listdir("/proc/self/fd"))}


async def answer(driver, line):
    command = json.loads(line)
    what = command["do"]
    try:
        if what.startswith("_"):
            raise ValueError(f"there is no command {what}")
        do = getattr(driver, f"{what}_" if what == "import" else what)
        return {"ok": await do(command.get("args", {}), command.get("as"))}
    except dmabroker.BrokerError as error:
        told = {"code": error.code, "message": error.message, "detail": error.refusal}
        return {"refused": told}
    except dmabroker.ConnectionEnded as error:
        told = {"interface": error.interface, "code": error.code, "message": str(error)}
        return {"ended": told}
    except Exception as error:
        # Nothing was sent, or nobody was there.
        return {"rejected": {"message": f"{type(error).__name__}: {error}"}}


async def main():
    driver = Driver()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await answer(driver, line)), flush=True)
    await driver.disconnect({}, None)


asyncio.run(main())
