# Generated from wayland.xml by scripts/generate-python.ts. Do not edit.
"""The interfaces of the protocol: what writes each request and reads each event."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self, TypeAlias, Union

from ._wire import Interface, Message, NewId, Reader, new_id, parts, word, words


class WlDisplay:
    """core global object

    The core global object. This is a special singleton object. It is used for internal
    Wayland protocol features.
    """

    class Error(IntEnum):
        """global error values

        These errors are global and can be emitted in response to any server request.
        """

        invalid_object = 0
        """server couldn't find object"""
        invalid_method = 1
        """method doesn't exist on the specified interface or malformed request"""
        no_memory = 2
        """server is out of memory"""
        implementation = 3
        """implementation error in compositor"""

    @dataclass(slots=True)
    class ErrorEvent:
        """fatal error event

        The error event is sent out when a fatal (non-recoverable) error has occurred. The
        object_id argument is the object where the error occurred, most often in response to a
        request to that object. The code identifies the error and is defined by the object
        interface. As such, each interface defines its own set of error codes. The message is
        a brief description of the error, for (debugging) convenience.

        object_id: object where the error occurred
        code: error code
        message: error description
        """

        object_id: int
        code: int
        message: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.string())

    @dataclass(slots=True)
    class DeleteIdEvent:
        """acknowledge object ID deletion

        This event is used internally by the object ID management logic. When a client deletes
        an object that it had created, the server will send this event to acknowledge that it
        has seen the delete request. When the client receives this event, it will know that it
        can safely reuse the object ID.

        id: deleted object ID
        """

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
        """asynchronous roundtrip

        The sync request asks the server to emit the 'done' event on the returned wl_callback
        object. Since requests are handled in-order and events are delivered in-order, this
        can be used as a barrier to ensure all previous requests and the resulting events have
        been handled.

        The object returned by this request will be destroyed by the compositor after the
        callback is fired and as such the client must not attempt to use it after that point.

        The callback_data passed in the callback is the event serial.

        callback: callback object for the sync request
        """
        return words(object_id, 0, callback)

    @staticmethod
    def get_registry(object_id: int, registry: int) -> Message:
        """get global registry object

        This request creates a registry object that allows the client to list and bind the
        global objects available from the compositor.

        It should be noted that the server side resources consumed in response to a
        get_registry request can only be released when the client disconnects, not when the
        client side proxy is destroyed. Therefore, clients should invoke get_registry as
        infrequently as possible to avoid wasting memory.

        registry: global registry object
        """
        return words(object_id, 1, registry)


class WlRegistry:
    """global registry object

    The singleton global registry object. The server has a number of global objects that are
    available to all clients. These objects typically represent an actual object in the server
    (for example, an input device) or they are singleton objects that provide extension
    functionality.

    When a client creates a registry object, the registry object will emit a global event for
    each global currently in the registry. Globals come and go as a result of device or
    monitor hotplugs, reconfiguration or other events, and the registry will send out global
    and global_remove events to keep the client up to date with the changes. To mark the end
    of the initial burst of events, the client can use the wl_display.sync request immediately
    after calling wl_display.get_registry.

    A client can bind to a global object by using the bind request. This creates a client-side
    handle that lets the object emit events to the client and lets the client invoke requests
    on the object.
    """

    @dataclass(slots=True)
    class GlobalEvent:
        """announce global object

        Notify the client of global objects.

        The event notifies the client that a global object with the given name is now
        available, and it implements the given version of the given interface.

        name: numeric name of the global object
        interface: interface implemented by the object
        version: interface version
        """

        name: int
        interface: str
        version: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.uint())

    @dataclass(slots=True)
    class GlobalRemoveEvent:
        """announce removal of global object

        Notify the client of removed global objects.

        This event notifies the client that the global identified by name is no longer
        available. If the client bound to the global using the bind request, the client should
        now destroy that object.

        The object remains valid and requests to the object will be ignored until the client
        destroys it, to avoid races between the global going away and a client sending a
        request to it.

        name: numeric name of the global object
        """

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
        """bind an object to the display

        Binds a new, client-created object to the server using the specified name as the
        identifier.

        name: unique numeric name of the object
        id: bounded object
        """
        return parts(object_id, 0, word(name), new_id(id))


class WlCallback:
    """callback object

    Clients can handle the 'done' event to get notified when the related request is done.
    """

    @dataclass(slots=True)
    class DoneEvent:
        """done event

        Notify the client when the related request is done.

        callback_data: request-specific data for the callback
        """

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
