"""
The Python classes of protocol/dmabroker-v1.xml, made by pywayland's scanner (Debian: python3-pywayland,
python3-cffi-backend) in a folder that is gone when the process ends, and where the broker's socket is.

pywayland's own command (python3 -m pywayland.scanner -i XML -o FOLDER) does the same into a folder that
stays, where pkg-config is installed.
"""
import atexit
import os
import pathlib
import shutil
import sys
import tempfile

from pywayland.scanner import Protocol

XML = pathlib.Path(__file__).resolve().parents[2] / "protocol" / "dmabroker-v1.xml"
SYSTEM_SOCKET = "/run/dmabroker/client.sock"


def generate():
    """Generates the package dmabroker_v1 and puts it where it is imported from."""
    folder = tempfile.mkdtemp(prefix="dmabroker-python-")
    atexit.register(shutil.rmtree, folder)
    protocol = Protocol.parse_file(str(XML))
    os.mkdir(os.path.join(folder, protocol.name))
    protocol.output(folder, {interface.name: protocol.name for interface in protocol.interface})
    sys.path.insert(0, folder)


def find_socket():
    """The one rule of docs/protocol.md."""
    named, folder = os.environ.get("DMABROKER_SOCKET"), os.environ.get("XDG_RUNTIME_DIR", "")
    if named:
        return named
    own = os.path.join(folder, "dmabroker", "client.sock")
    return own if os.path.isabs(folder) and os.path.exists(own) else SYSTEM_SOCKET
