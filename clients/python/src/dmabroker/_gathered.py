"""
What comes of a buffer between info and done.

Owns: the file descriptors of its planes, until they are handed out.
"""

from dataclasses import dataclass, field

from ._dmabroker_gen import DmabrokerBufferV1
from ._memory import Plane
from ._told import Memory


@dataclass(slots=True)
class Gathered:
    """Between info and done."""

    info: DmabrokerBufferV1.InfoEvent | None = None
    memories: dict[int, Memory] = field(default_factory=dict)
    planes: dict[int, Plane] = field(default_factory=dict)
    #: The handle type of what is kept of them.
    plane_type: int | None = None

    def close(self) -> None:
        for plane in self.planes.values():
            plane.close()
        self.planes.clear()
