"""
DLPack's structures (dlpack.h, 0.8 and 1.0) and capsules, by ctypes: memory is lent to a consumer, which calls a deleter when it
does not need it any more, from whichever thread.

Owns: what is lent (the structures, and a reference to the memory), until it was given back and somebody has looked.

No function of Python's is called by a consumer: it may give back while an exception is on its way (torch does, of a
temporary), which ctypes would lose, or after the interpreter's end. The deleter is C's sigemptyset, which writes zeroes over
the structure, and does nothing else: no lock of the interpreter, no error, async-signal-safe (signal-safety(7)). Whoever uses
the library next looks for zeroes, and so does each run of Python's garbage collector. A capsule that nobody has consumed is
found in the same way, by its references.
"""

import atexit
import ctypes
import gc
import sys
from dataclasses import dataclass
from typing import Any, Final

kDLCPU: Final = 1
kDLCUDA: Final = 2
kDLInt: Final = 0
kDLUInt: Final = 1
kDLFloat: Final = 2
kDLBfloat: Final = 4
kDLBool: Final = 6
DLPACK_FLAG_BITMASK_READ_ONLY: Final = 1
DLPACK_FLAG_BITMASK_IS_COPIED: Final = 2
VERSION: Final = (1, 0)
IS_LITTLE: Final = sys.byteorder == "little"


class _Device(ctypes.Structure):
    _fields_ = [("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


class _DataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    """DLManagedTensor"""

    _fields_ = [("tensor", _Tensor), ("manager_ctx", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _Version(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32)]


class _ManagedVersioned(ctypes.Structure):
    """DLManagedTensorVersioned"""

    _fields_ = [
        ("version", _Version),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    ]


#: `int sigemptyset(sigset_t *)`: a set is a bit for each signal, as the kernel takes it, so that an empty one is zeroes.
_DELETER: Final = ctypes.cast(ctypes.CDLL(None).sigemptyset, ctypes.c_void_p).value
#: A sigset_t has 1,024 bits at most: a structure has room for that many.
_ROOM: Final = 128

_new = ctypes.pythonapi.PyCapsule_New
_new.restype = ctypes.py_object
_new.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype = ctypes.c_int
_is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]

# A capsule keeps the pointer to its name.
_NAME = ctypes.create_string_buffer(b"dltensor")
_NAME_VERSIONED = ctypes.create_string_buffer(b"dltensor_versioned")


@dataclass(slots=True)
class Lent:
    """What is lent: strides are in elements."""

    owner: object
    data: int
    code: int
    bits: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    flags: int
    device: tuple[int, int] = (kDLCPU, 0)


class _Loan:
    """A structure, and all that it points to."""

    __slots__ = ("arrays", "capsule", "first", "managed", "name", "owner")

    def __init__(self, owner: object, managed: Any, arrays: tuple[Any, ...], name: Any) -> None:
        self.owner = owner
        self.managed = managed
        self.arrays = arrays
        self.name = name
        #: The word that the deleter sets to 0.
        self.first = ctypes.c_uint32.from_address(ctypes.addressof(managed))
        #: Until somebody has consumed it.
        self.capsule: object = None


#: By the structure's address.
_loans: dict[int, _Loan] = {}


def _references(loan: _Loan) -> int:
    return sys.getrefcount(loan.capsule)


#: What `_references` says of a capsule that nobody else has.
_probe = _Loan(None, _Managed(), (), None)
_probe.capsule = object()
_ALONE: Final = _references(_probe)


def look() -> None:
    """Forgets what was given back, and loans whose capsule nobody has consumed and nobody has."""
    for address, loan in list(_loans.items()):
        # In this order: who has none now will have none, but another thread may consume what it has at any moment.
        is_alone = _references(loan) == _ALONE
        if loan.first.value == 0:
            _loans.pop(address, None)
        elif loan.capsule is not None:
            if not _is_valid(loan.capsule, loan.name.value):
                loan.capsule = None
            elif is_alone:
                _loans.pop(address, None)


def lend(lent: Lent, *, versioned: bool) -> object:
    """A capsule of DLManagedTensorVersioned, or of DLManagedTensor."""
    look()
    if not versioned and lent.data & 0xFFFF_FFFF == 0:
        # Its first word would be 0 from the beginning.
        raise BufferError("this DLPack cannot be lent memory at a multiple of 4 GiB")
    ndim = len(lent.shape)
    shape = (ctypes.c_int64 * ndim)(*lent.shape)
    strides = (ctypes.c_int64 * ndim)(*lent.strides)
    managed: Any
    if versioned:
        managed, name = _ManagedVersioned.from_buffer(bytearray(_ROOM)), _NAME_VERSIONED
        managed.version.major, managed.version.minor = VERSION
        managed.flags = lent.flags
    else:
        managed, name = _Managed.from_buffer(bytearray(_ROOM)), _NAME
    managed.deleter = _DELETER
    tensor = managed.tensor
    tensor.data = lent.data
    tensor.device = _Device(*lent.device)
    tensor.ndim = ndim
    tensor.dtype = _DataType(lent.code, lent.bits, 1)
    tensor.shape = ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64))
    tensor.strides = ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64))
    address = ctypes.addressof(managed)
    loan = _Loan(lent.owner, managed, (shape, strides), name)
    # It has a reference of its own, so that whoever looks meanwhile does not take it for forgotten.
    capsule: object = _new(address, ctypes.addressof(name), None)
    loan.capsule = capsule
    _loans[address] = loan
    return capsule


def lent() -> int:
    """How much is lent now."""
    look()
    return len(_loans)


def _collected(phase: str, _: object) -> None:
    if phase == "stop" and _loans:
        look()


gc.callbacks.append(_collected)


@atexit.register
def _keep_for_ever() -> None:
    """Whoever has borrowed may look at it, and give it back, after our modules are gone."""
    for loan in _loans.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loan))
