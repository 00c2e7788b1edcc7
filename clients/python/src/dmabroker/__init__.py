"""
A client of dmabroker: memory that can be shared between processes, as dma_bufs.

    import dmabroker

    with dmabroker.connect() as client:
        with client.allocate(dmabroker.Image(1920, 1080, "XR24", usage=["cpu_write"])) as buffer:
            with buffer.map() as mapping, mapping.writing() as memory:
                memory[:4] = b"\\xff\\xff\\xff\\xff"
            print(buffer.share())

`dmabroker.aio` has the same for asyncio.
"""

from ._blocking_buffer import Buffer, Event, Share
from ._buffer import BaseBuffer
from ._cuda import CudaError, CudaMapping
from ._lasting import Committed, layout_digest
from ._line import Broker, Device, Source
from ._mapping import Mapping
from ._memory import Plane
from ._objects import Planned, PlannedPlane
from ._reconnect import Taken
from ._requests import (
    Alignment,
    BroughtPlane,
    Image,
    Imported,
    ImportedImage,
    ImportedLinear,
    Lease,
    Linear,
    OwnMemory,
    PlaneLayout,
    Request,
)
from ._tensor import Tensor
from ._told import Checked, FellBack, Memory, Recall, VulkanMemory
from ._work import Content
from .client import Client, connect
from .errors import BrokerError, ConnectionEnded, Error, ForkedError

__version__ = "0.1.0"

__all__ = [
    "Alignment",
    "BaseBuffer",
    "Broker",
    "BrokerError",
    "BroughtPlane",
    "Buffer",
    "Checked",
    "FellBack",
    "Client",
    "Committed",
    "ConnectionEnded",
    "Content",
    "CudaError",
    "CudaMapping",
    "Device",
    "Error",
    "Event",
    "ForkedError",
    "Image",
    "Imported",
    "ImportedImage",
    "ImportedLinear",
    "Lease",
    "Linear",
    "Mapping",
    "Memory",
    "OwnMemory",
    "Plane",
    "PlaneLayout",
    "Planned",
    "PlannedPlane",
    "Recall",
    "Request",
    "Share",
    "Source",
    "Taken",
    "Tensor",
    "VulkanMemory",
    "connect",
    "layout_digest",
]
