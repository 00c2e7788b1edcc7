"""What an operation waits for, whoever runs it: an answer of the daemon's, or a while."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from ._core import Core

T = TypeVar("T")


class Pause:
    """What an operation waits for: that so much time has gone."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> "Generator[Step, None, None]":
        yield self


class Call(Generic[T]):
    """What an operation waits for: an answer of the daemon's, or the connection's end."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._value: T | None = None
        self._error: BaseException | None = None
        self.done = False
        #: Told once, when it is done.
        self.on_done: Callable[[], None] | None = None
        if core.over is not None:
            raise core.over
        core.waiting.add(self)

    def resolve(self, value: T) -> None:
        self._value = value
        self._end()

    def reject(self, error: BaseException) -> None:
        self._error = error
        self._end()

    def _end(self) -> None:
        self._core.waiting.discard(self)
        self.done = True
        told, self.on_done = self.on_done, None
        if told is not None:
            told()

    def forget(self) -> None:
        """Nobody waits any more."""
        self._core.waiting.discard(self)
        self.on_done = None

    def taken(self) -> T | None:
        """The answer that has come, if it has, for who gives the call up."""
        return self._value

    def __await__(self) -> "Generator[Step, None, T]":
        try:
            if not self.done:
                yield self
        except BaseException:
            self.forget()
            raise
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


#: What an operation yields to its driver.
Step: TypeAlias = Pause | Call[Any]
