"""Where the daemon listens: the one rule of docs/protocol.md."""

import os

_SYSTEM = "/run/dmabroker/client.sock"


def find_socket() -> str:
    """$DMABROKER_SOCKET; else the user's own daemon's in XDG_RUNTIME_DIR, where there is one; else the system's."""
    named = os.environ.get("DMABROKER_SOCKET")
    if named:
        return named
    # A relative folder is to be ignored (XDG base directories).
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    own = os.path.join(folder, "dmabroker", "client.sock")
    return own if os.path.isabs(folder) and os.path.exists(own) else _SYSTEM
