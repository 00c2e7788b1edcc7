"""What the library raises, beside TypeError and ValueError for what is no request, and OSError where nobody answers."""

from collections.abc import Mapping
from typing import Any

from ._dmabroker_gen import RefusalName
from ._requests import Image, Linear, request_of


class Error(Exception):
    """What the library raises of its own."""


class BrokerError(Error):
    """The daemon refused; the connection and all of its buffers are what they were."""

    def __init__(
        self, code: RefusalName, message: str, refusal: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        #: One of docs/errors.md; of a later daemon's that this library does not know: `internal`.
        self.code: RefusalName = code
        self.message = message
        #: The JSON of docs/errors.md: `constraint`, `requested`, `possible`, `nearest`, `quota`.
        self.refusal: Mapping[str, Any] = refusal or {}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, dict(self.refusal))

    @property
    def nearest(self) -> Linear | Image | None:
        """The nearest request that would succeed, for `allocate`; None where there is none."""
        nearest = self.refusal.get("nearest")
        return None if nearest is None else request_of(nearest)


class ConnectionEnded(Error, ConnectionError):
    """
    The connection is over. File descriptors and mappings stay good; buffers of lifetime `connection` are released.
    """

    def __init__(
        self,
        message: str,
        *,
        interface: str | None = None,
        code: int | None = None,
        by_daemon: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        #: Where the daemon named a violation of the protocol: of which interface, and the code of its enum `error`.
        self.interface = interface
        self.code = code
        #: The daemon's end has gone, and it has not said why: it may come back.
        self.by_daemon = by_daemon


class ForkedError(Error, RuntimeError):
    """A connection is used by a process that was forked from the one that made it."""
