"""
DLPack's structures (dlpack.h, 0.8 and 1.0) and capsules, by ctypes: memory is lent to a consumer, which calls a deleter when it
does not need it any more, from whichever thread.

Owns: what is lent (the structures, and a reference to the memory), until the deleter is called.

A capsule that nobody has consumed is found by looking, not by a destructor: that would run while an exception is on its way
(the consumer's refusal), which a function of ctypes would lose. And at the interpreter's end no function of ours can be
called any more: what is lent then has no deleter, which dlpack.h allows, and goes with the process.
"""

import atexit
import ctypes
import sys
from dataclasses import dataclass
from typing import Any, Final

kDLCPU: Final = 1
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


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


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


class _Loan:
    """A structure, and all that it points to."""

    __slots__ = ("arrays", "capsule", "managed", "name", "owner")

    def __init__(self, owner: object, managed: Any, arrays: tuple[Any, ...], name: Any) -> None:
        self.owner = owner
        self.managed = managed
        self.arrays = arrays
        self.name = name
        #: Until somebody has consumed it.
        self.capsule: object = None


#: By the structure's address.
_loans: dict[int, _Loan] = {}


def _returned(address: int | None) -> None:
    """The deleter: what is lent goes with its entry."""
    if address is not None:
        _loans.pop(address, None)


_deleter = _Deleter(_returned)
_DELETER: Final = ctypes.cast(_deleter, ctypes.c_void_p).value


def _references(loan: _Loan) -> int:
    return sys.getrefcount(loan.capsule)


#: What `_references` says of a capsule that nobody else has.
_probe = _Loan(None, None, (), None)
_probe.capsule = object()
_ALONE: Final = _references(_probe)


def _look() -> None:
    """Forgets capsules that were consumed, and loans whose capsule nobody has consumed and nobody has."""
    for address, loan in list(_loans.items()):
        if loan.capsule is None:
            continue
        if not _is_valid(loan.capsule, loan.name.value):
            loan.capsule = None
        elif _references(loan) == _ALONE:
            del _loans[address]


def lend(lent: Lent, *, versioned: bool) -> object:
    """A capsule of DLManagedTensorVersioned, or of DLManagedTensor."""
    _look()
    ndim = len(lent.shape)
    shape = (ctypes.c_int64 * ndim)(*lent.shape)
    strides = (ctypes.c_int64 * ndim)(*lent.strides)
    managed: Any
    if versioned:
        managed, name = _ManagedVersioned(), _NAME_VERSIONED
        managed.version.major, managed.version.minor = VERSION
        managed.flags = lent.flags
    else:
        managed, name = _Managed(), _NAME
    managed.deleter = _DELETER
    tensor = managed.tensor
    tensor.data = lent.data
    tensor.device = _Device(kDLCPU, 0)
    tensor.ndim = ndim
    tensor.dtype = _DataType(lent.code, lent.bits, 1)
    tensor.shape = ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64))
    tensor.strides = ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64))
    address = ctypes.addressof(managed)
    loan = _Loan(lent.owner, managed, (shape, strides), name)
    loan.capsule = _new(address, ctypes.addressof(name), None)
    _loans[address] = loan
    return loan.capsule


def lent() -> int:
    """How much is lent now."""
    _look()
    return len(_loans)


@atexit.register
def _no_deleters() -> None:
    for loan in _loans.values():
        loan.managed.deleter = None
        # Whoever has it may look at it after our modules are gone.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loan))
