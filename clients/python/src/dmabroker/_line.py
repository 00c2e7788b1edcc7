"""One connection with its manager, and what the daemon says about itself there."""

from dataclasses import dataclass
from typing import Any

from ._calls import Call
from ._core import DISPLAY, Core
from ._dmabroker_gen import DmabrokerManagerV1, HandleTypeName
from ._told import Unknown, name_of
from ._wayland_gen import WlDisplay, WlRegistry
from ._wire import NewId, joined
from .errors import ConnectionEnded

MANAGER = DmabrokerManagerV1.INTERFACE


@dataclass(frozen=True, slots=True)
class Device:
    """A Vulkan device of the machine; `device_uuid` names it in requests."""

    name: str
    device_uuid: str
    driver_uuid: str
    main_device: int | None
    """dev_t of its DRM node."""


@dataclass(frozen=True, slots=True)
class Source:
    """A memory source of the daemon."""

    name: str
    handle_type: HandleTypeName | Unknown
    usable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Broker:
    """What the daemon said about itself when the connection was made."""

    devices: tuple[Device, ...]
    """The main one first."""
    sources: tuple[Source, ...]
    limits: dict[str, int]
    """By the names of dmabroker_manager_v1.limit."""
    session: str
    """What proves later that a client is this one's successor: a secret, for `adopt`."""


@dataclass(frozen=True, slots=True)
class Line:
    core: Core
    manager: int
    broker: Broker


class _Finding:
    """Finds the manager, and gathers its description."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._devices: list[Device] = []
        self._sources: list[Source] = []
        self._limits: dict[str, int] = {}
        self._session = ""
        self.manager = 0
        self.call = Call[Broker](core)
        self._registry = core.create(WlRegistry.INTERFACE, self._found)
        core.send(WlDisplay.get_registry(DISPLAY, self._registry))

    def _found(self, event: WlRegistry.Event) -> None:
        match event:
            case WlRegistry.GlobalEvent() if event.interface == MANAGER.name and not self.manager:
                self.manager = self._core.create(MANAGER, self._told)
                version = min(event.version, MANAGER.version)
                target = NewId(MANAGER.name, version, self.manager)
                self._core.send(WlRegistry.bind(self._registry, event.name, target))
            case _:
                pass

    def _told(self, event: DmabrokerManagerV1.Event) -> None:
        match event:
            case DmabrokerManagerV1.DeviceEvent():
                node = joined(event.main_device_hi, event.main_device_lo)
                self._devices.append(
                    Device(event.name, event.device_uuid, event.driver_uuid, node or None)
                )
            case DmabrokerManagerV1.SourceEvent():
                kind = name_of(DmabrokerManagerV1.HandleType, event.handle_type)
                self._sources.append(Source(event.name, kind, event.usable == 1, event.reason))
            case DmabrokerManagerV1.LimitEvent():
                name: Any = name_of(DmabrokerManagerV1.Limit, event.what)
                if name != "unknown":
                    self._limits[name] = joined(event.value_hi, event.value_lo)
            case DmabrokerManagerV1.SessionEvent():
                self._session = event.token
            case DmabrokerManagerV1.DoneEvent():
                told = (tuple(self._devices), tuple(self._sources))
                self.call.resolve(Broker(*told, self._limits, self._session))


async def open_line(core: Core) -> Line:
    """Binds the manager and waits for its description."""
    finding = _Finding(core)
    await core.sync()
    if finding.manager == 0:
        raise ConnectionEnded(f"no {MANAGER.name} at this socket")
    broker = await finding.call
    return Line(core, finding.manager, broker)
