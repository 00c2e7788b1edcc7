"""dmabroker_params_v1 as the client sends it: what is to be allocated, or what is brought."""

from collections.abc import Collection
from types import TracebackType
from typing import Self

from ._checks import fourcc
from ._core import Core
from ._dmabroker_gen import DmabrokerManagerV1, DmabrokerParamsV1, HandleTypeName
from ._line import Line
from ._requests import Image, Imported, ImportedLinear, Lease, Linear, Request
from ._wire import Message, halves

_Params = DmabrokerParamsV1
_Manager = DmabrokerManagerV1


def _ignored(event: object) -> None:
    """It has no events."""


def handle_type_bits(types: Collection[HandleTypeName]) -> int:
    return sum(_Manager.HandleType[each].value for each in set(types))


class Params:
    """A description, which is used up when it is left: it asks for no more than what was sent by then."""

    def __init__(self, line: Line) -> None:
        self._core: Core = line.core
        self.id = line.core.create(_Params.INTERFACE, _ignored)
        line.core.send(_Manager.create_params(line.manager, self.id))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._core.over is None:
            self._core.destroy(self.id, _Params.destroy(self.id))

    def send(self, message: Message) -> None:
        self._core.send(message)

    def want(self, request: Request) -> None:
        """What is to be allocated."""
        if isinstance(request, Linear):
            self.send(_Params.set_buffer(self.id, *halves(request.size)))
        else:
            self._image(request)
        alignment = request.alignment
        if alignment is not None:
            demands = (alignment.stride, alignment.offset, alignment.size, alignment.height)
            self.send(_Params.set_alignment(self.id, *demands))
        if request.wait_ms is not None:
            self.send(_Params.set_wait(self.id, request.wait_ms))
        if request.source is not None:
            self.send(_Params.set_source(self.id, request.source))
        if request.placement is not None:
            placement = _Params.Placement[request.placement]
            self.send(_Params.set_placement(self.id, placement))
        if request.contiguous is not None:
            contiguous = _Params.Contiguous[request.contiguous]
            self.send(_Params.set_contiguous(self.id, contiguous))
        if request.handle_types is not None or request.all_handle_types:
            types = handle_type_bits(request.handle_types or ["dma_buf"])
            ask = (
                _Params.require_handle_types
                if request.all_handle_types
                else _Params.set_handle_types
            )
            self.send(ask(self.id, types))
        if request.memory is not None:
            offset = halves(request.memory.offset)
            self.send(_Params.set_memory(self.id, request.memory.fd, *offset))
        self._terms(request)

    def _image(self, request: Image) -> None:
        code = fourcc(request.format)
        self.send(_Params.set_image(self.id, request.width, request.height, code))
        for modifier in request.modifiers or ():
            self.send(_Params.add_modifier(self.id, *halves(modifier)))
        if request.separate_planes:
            self.send(_Params.set_planes(self.id, _Params.PlaneMemory.separate))
        for index, place in enumerate(request.layout or ()):
            self.send(_Params.set_plane_layout(self.id, index, place.offset, place.stride))

    def bring(self, memory: Imported) -> None:
        """What the client brings."""
        if isinstance(memory, ImportedLinear):
            self.send(_Params.set_buffer(self.id, *halves(memory.size)))
        else:
            code = fourcc(memory.format)
            self.send(_Params.set_image(self.id, memory.width, memory.height, code))
            self.send(_Params.add_modifier(self.id, *halves(memory.modifier)))
        for index, plane in enumerate(memory.planes):
            self.send(_Params.add_plane(self.id, plane.fd, index, plane.offset, plane.stride))
        self._terms(memory)

    def _terms(self, request: Request | Imported) -> None:
        """What an allocation and an import have in common."""
        if request.usage is not None:
            usage = sum(_Manager.Usage[each].value for each in set(request.usage))
            self.send(_Params.set_usage(self.id, usage))
        if request.device is not None:
            self.send(_Params.set_device(self.id, request.device.lower()))
        if isinstance(request.lifetime, Lease):
            self.send(_Params.set_lease(self.id, request.lifetime.seconds))
        elif request.lifetime is not None:
            lifetime = _Params.Lifetime[request.lifetime]
            self.send(_Params.set_lifetime(self.id, lifetime))
        if request.name is not None:
            self.send(_Params.set_name(self.id, request.name))
        if request.lasting_name is not None:
            self.send(_Params.set_lasting_name(self.id, request.lasting_name))
