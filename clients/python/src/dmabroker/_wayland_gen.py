# Generated from wayland.xml by scripts/generate-python.ts. Do not edit.
"""The interfaces of the protocol: what writes each request and reads each event."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self, TypeAlias, Union

from ._wire import Interface, Message, NewId, Reader, new_id, parts, word, words


class WlDisplay:
    """wl_display"""

    class Error(IntEnum):
        """error"""

        invalid_object = 0
        invalid_method = 1
        no_memory = 2
        implementation = 3

    @dataclass(slots=True)
    class ErrorEvent:
        """error"""

        object_id: int
        code: int
        message: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.string())

    @dataclass(slots=True)
    class DeleteIdEvent:
        """delete_id"""

        id: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    Event: TypeAlias = Union[
        ErrorEvent,
        DeleteIdEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "wl_display",
        1,
        (
            ErrorEvent.read,
            DeleteIdEvent.read,
        ),
    )

    @staticmethod
    def sync(object_id: int, callback: int) -> Message:
        """sync"""
        return words(object_id, 0, callback)

    @staticmethod
    def get_registry(object_id: int, registry: int) -> Message:
        """get_registry"""
        return words(object_id, 1, registry)


class WlRegistry:
    """wl_registry"""

    @dataclass(slots=True)
    class GlobalEvent:
        """global"""

        name: int
        interface: str
        version: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.uint())

    @dataclass(slots=True)
    class GlobalRemoveEvent:
        """global_remove"""

        name: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    Event: TypeAlias = Union[
        GlobalEvent,
        GlobalRemoveEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "wl_registry",
        1,
        (
            GlobalEvent.read,
            GlobalRemoveEvent.read,
        ),
    )

    @staticmethod
    def bind(object_id: int, name: int, id: NewId) -> Message:
        """bind"""
        return parts(object_id, 0, word(name), new_id(id))


class WlCallback:
    """wl_callback"""

    @dataclass(slots=True)
    class DoneEvent:
        """done"""

        callback_data: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    Event: TypeAlias = DoneEvent
    INTERFACE: Final[Interface[Event]] = Interface(
        "wl_callback",
        1,
        (
            DoneEvent.read,
        ),
    )
