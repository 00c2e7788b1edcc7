# Generated from dmabroker-v1.xml by scripts/generate-python.ts. Do not edit.
"""The interfaces of the protocol: what writes each request and reads each event."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final, Literal, Never, Self, TypeAlias, Union

from ._wire import Interface, Message, Reader, parts, text, word, words

RefusalName: TypeAlias = Literal[
    "invalid_argument",
    "unsupported_format",
    "unsupported_modifier",
    "unsupported_handle_type",
    "unsupported_usage",
    "too_large",
    "out_of_memory",
    "limit_exceeded",
    "not_found",
    "invalid_token",
    "permission_denied",
    "device_lost",
    "internal",
    "unsupported_source",
    "unsupported_placement",
    "recalled",
    "unsupported_layout",
    "unsupported_device",
    "busy",
    "name_taken",
]
HandleTypeName: TypeAlias = Literal[
    "dma_buf",
    "opaque_fd",
    "memfd",
]
UsageName: TypeAlias = Literal[
    "sample",
    "render",
    "transfer",
    "storage",
    "cpu_read",
    "cpu_write",
    "scanout",
    "video_decode",
    "video_encode",
]
LimitName: TypeAlias = Literal[
    "buffer_size",
    "image_dimension",
    "buffers",
    "objects",
    "fds",
    "batch",
]
ClaimName: TypeAlias = Literal[
    "writer",
    "committed",
]
PlaneMemoryName: TypeAlias = Literal[
    "shared",
    "separate",
]
PlacementName: TypeAlias = Literal[
    "any",
    "device_local",
    "host_visible",
    "host_cached",
]
ContiguousName: TypeAlias = Literal[
    "any",
    "preferred",
    "required",
]
LifetimeName: TypeAlias = Literal[
    "connection",
    "until_released",
]
ReleaseReasonName: TypeAlias = Literal[
    "owner",
    "administrator",
    "lease_expired",
]
RecallReasonName: TypeAlias = Literal[
    "withdrawn",
    "share",
    "memory_pressure",
    "lease_expired",
    "administrator",
]
FallBackName: TypeAlias = Literal[
    "out_of_memory",
    "not_contiguous",
    "display_refused",
]
ImportCheckName: TypeAlias = Literal[
    "device",
    "layout",
]
RightName: TypeAlias = Literal[
    "renew",
]
PathName: TypeAlias = Literal[
    "device",
    "cpu",
]


class DmabrokerManagerV1:
    """the broker

    The global object. On bind, the server describes itself: device (once for each), source
    (once for each memory source), limit (once for each limit), session, done.
    """

    class Refusal(IntEnum):
        """why something was refused

        The codes of failed events. They are stable; the REST API uses the same names.
        """

        invalid_argument = 1
        """a value is missing, malformed or out of range"""
        unsupported_format = 2
        """no usable source allocates this format"""
        unsupported_modifier = 3
        """none of the offered modifiers can be had"""
        unsupported_handle_type = 4
        """no usable source exports an accepted handle type"""
        unsupported_usage = 5
        """the device cannot serve this usage"""
        too_large = 6
        """the request is larger than a limit"""
        out_of_memory = 7
        """the source has no memory for this request"""
        limit_exceeded = 8
        """a limit on held buffers or bytes is reached"""
        not_found = 9
        """there is no such object"""
        invalid_token = 10
        """the token is unknown, used up, expired or not for this client"""
        permission_denied = 11
        """the client may not do this"""
        device_lost = 12
        """the device was lost"""
        internal = 13
        """the daemon failed"""
        unsupported_source = 14
        """none of the named sources can serve the request"""
        unsupported_placement = 15
        """no memory of this placement can be had for the request"""
        recalled = 16
        """recalled buffers have not been given back"""
        unsupported_layout = 17
        """the driver makes no image of the dictated layout"""
        unsupported_device = 18
        """there is no such Vulkan device, or it cannot be used"""
        busy = 19
        """what it has to wait for has not ended in time"""
        name_taken = 20
        """another buffer of the user has this lasting name"""

    class HandleType(IntFlag):
        """what kind of file descriptor

        opaque_fd is Vulkan's OPAQUE_FD: to be imported by Vulkan, OpenGL or CUDA on the same
        device and driver, never mapped. One of the source cuda is CUDA's POSIX file
        descriptor, which CUDA imports with cuMemImportFromShareableHandle. memfd is ordinary
        shared memory, for developing on a machine with no exporter of dma_bufs.
        """

        dma_buf = 1
        opaque_fd = 2
        memfd = 4

    class Usage(IntFlag):
        """what the memory is for

        video_decode and video_encode are asked of no device, nor is scanout unless the server
        may ask a display: see unverified of dmabroker_buffer_v1. For scanout the client adds
        the modifiers that its KMS plane takes.
        """

        sample = 1
        """sampled by shaders"""
        render = 2
        """rendered to"""
        transfer = 4
        """copied from and to"""
        storage = 8
        """storage image or buffer"""
        cpu_read = 16
        """mapped and read"""
        cpu_write = 32
        """mapped and written"""
        scanout = 64
        """shown by a display"""
        video_decode = 128
        """decoded into"""
        video_encode = 256
        """encoded from"""

    class Limit(IntEnum):
        """what a limit counts"""

        buffer_size = 1
        """bytes of one buffer"""
        image_dimension = 2
        """pixels of an image's width or height"""
        buffers = 3
        """buffers that one connection may own"""
        objects = 4
        """protocol objects of one connection"""
        fds = 5
        """file descriptors in one message"""
        batch = 6
        """buffers of one create_batch"""

    class Error(IntEnum):
        """error"""

        invalid_claim = 0
        """unknown bits in how"""
        invalid_handle_types = 1
        """redeem_as with no bit, or with unknown ones"""

    class Claim(IntFlag):
        """how a buffer is claimed; with no bit, as one of its readers"""

        writer = 1
        """as its writer, of which there is one at a time"""
        committed = 2
        """when there is a revision of it, and not before"""

    @dataclass(slots=True)
    class DeviceEvent:
        """a Vulkan device

        Sent once for each of the machine's devices, the main one first: memory comes from it
        where a request names none (dmabroker_params_v1.set_device), and the source events are
        about it. Not sent by a daemon without a main device. main_device is the dev_t of its
        DRM node, a number as in st_rdev of stat(2), and 0 if it has none.

        name: VkPhysicalDeviceProperties::deviceName
        device_uuid: VkPhysicalDeviceIDProperties::deviceUUID, 32 lower-case hexadecimal digits
        driver_uuid: VkPhysicalDeviceIDProperties::driverUUID, likewise
        main_device_hi: dev_t, high half
        """

        name: str
        device_uuid: str
        driver_uuid: str
        main_device_hi: int
        main_device_lo: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string(), reader.string(), reader.string(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class SourceEvent:
        """a memory source

        name: vulkan, dma-heap:system, udmabuf, memfd
        usable: 1 if it can be allocated from, else 0
        reason: why it is not usable, or what it is
        """

        name: str
        handle_type: int
        usable: int
        reason: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string(), reader.uint(), reader.uint(), reader.string())

    @dataclass(slots=True)
    class LimitEvent:
        """a limit"""

        what: int
        value_hi: int
        value_lo: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class DoneEvent:
        """the description is complete"""

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls()

    @dataclass(slots=True)
    class SessionEvent:
        """what proves later that a client is the one of this connection

        The same for all managers of a connection, and another for each connection. With it a
        client of the same user adopts what this connection had when it is over, whoever has
        ended it: the daemon, or the client's own end. It is a secret, good for as long as the
        connection's buffers are there.
        """

        token: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string())

    Event: TypeAlias = Union[
        DeviceEvent,
        SourceEvent,
        LimitEvent,
        DoneEvent,
        SessionEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "dmabroker_manager_v1",
        1,
        (
            DeviceEvent.read,
            SourceEvent.read,
            LimitEvent.read,
            DoneEvent.read,
            SessionEvent.read,
        ),
    )

    @staticmethod
    def destroy(object_id: int) -> Message:
        """destroy the manager; what it made stays"""
        return words(object_id, 0)

    @staticmethod
    def create_params(object_id: int, params_id: int) -> Message:
        """describe a buffer to be allocated"""
        return words(object_id, 1, params_id)

    @staticmethod
    def redeem(object_id: int, buffer_id: int, token: str) -> Message:
        """get a buffer that somebody shared

        Answered on the buffer with info, memory, plane and done, or with failed. Each success
        uses the token once.
        """
        return parts(object_id, 2, word(buffer_id), text(token))

    @staticmethod
    def create_work(object_id: int, work_id: int, buffer: int) -> Message:
        """have a buffer copied to, filled or read

        Whoever has an object for a buffer may do this.
        """
        return words(object_id, 3, work_id, buffer)

    @staticmethod
    def claim(object_id: int, buffer_id: int, name: str, milliseconds: int, how: int) -> Message:
        """get a buffer by its lasting name

        NAME is one of the client's own user (dmabroker_params_v1.set_lasting_name), NAME@UID,
        with a number, that of another. By default it is for clients of the same user and of
        the same control group as the buffer's owner; the daemon's policy may say otherwise.

        Answered as redeem: the client is one of those who have the buffer, and its owner is
        charged as before. Where there is no such buffer, or it has a writer already and the
        client wants to be that, or nothing was committed and the client asks for something
        that was, the server waits for so many milliseconds, and then says which of these it
        is: not_found, or busy with the constraint writer or committed. With 0 it says so at
        once. What the client may not have is not_found, but where it is its own user's
        (permission_denied).

        A client that claims its own user's buffer as its writer from its owner's control
        group, while its owner's connection has no object for it or is not there any more, is
        its owner from then on, and nobody else is. Where a quota has no room for that it is
        refused at once (limit_exceeded).

        milliseconds: how long to wait, 86400000 at most
        """
        return parts(object_id, 4, word(buffer_id), text(name), word(milliseconds), word(how))

    @staticmethod
    def redeem_as(object_id: int, buffer_id: int, token: str, handle_types: int) -> Message:
        """get a buffer that somebody shared, as some of its kinds

        As redeem, of memory that is had as several kinds of file descriptor
        (dmabroker_params_v1.require_handle_types): info, and a plane for each memory plane,
        are of these kinds alone, and of all of them; so is what reissue of the new object is
        answered with. Refused (unsupported_handle_type, whose possible has the buffer's
        kinds) where the buffer has not all of them; the token is not used then.
        """
        return parts(object_id, 5, word(buffer_id), text(token), word(handle_types))


class DmabrokerParamsV1:
    """the parameters of one allocation

    Exactly one of set_buffer and set_image, any of the others, then create, which may be sent
    once; or, for several equal buffers, add_buffer for each and then create_batch. Values
    that no device can serve are refused by failed on the buffer, not by an error.
    """

    class Error(IntEnum):
        """error"""

        already_used = 0
        """a request after create, create_batch, import or adopt"""
        already_set = 1
        """set_buffer or set_image sent twice, or both; set_memory sent twice"""
        incomplete = 2
        """create without set_buffer or set_image"""
        invalid_bits = 3
        """unknown bits in usage or handle types, or none"""
        invalid_lifetime = 4
        """not an entry of the enum lifetime"""
        too_many_modifiers = 5
        """more than 256 modifiers"""
        invalid_planes = 6
        """not an entry of the enum plane_memory"""
        invalid_plane = 7
        """a plane index above 3, or given twice, or with a gap"""
        planes_mismatch = 8
        """create with planes, import without, with several modifiers or with set_memory"""
        invalid_placement = 9
        """not an entry of the enum placement"""
        invalid_device = 10
        """a UUID that is not 32 lower-case hexadecimal digits"""
        batch_mismatch = 11
        """create_batch without add_buffer or with set_memory, or create, import or adopt with add_buffer"""
        invalid_contiguous = 12
        """not an entry of the enum contiguous"""

    class PlaneMemory(IntEnum):
        """where the planes of an image lie"""

        shared = 0
        """all in one memory, at different offsets"""
        separate = 1
        """each in a memory of its own"""

    class Placement(IntEnum):
        """where the memory is

        In the words of Vulkan's memory properties. What is there beside the demanded one, the
        source decides.
        """

        any = 0
        device_local = 1
        """the device's own memory"""
        host_visible = 2
        """memory that can be mapped"""
        host_cached = 3
        """memory that can be mapped and is read through the CPU's caches"""

    class Contiguous(IntEnum):
        """whether each memory's pages follow one another in physical memory

        What is known of it: a CMA heap's do; those of other heaps, udmabuf and memfd need
        not. Of device memory neither Vulkan nor CUDA says it.
        """

        any = 0
        preferred = 1
        """from a source whose memory is known to be, where one serves the request"""
        required = 2
        """from such a source alone"""

    class Lifetime(IntEnum):
        """lifetime"""

        connection = 0
        """released when its owner disconnects"""
        until_released = 1
        """kept until released by its owner or over REST"""

    Event: TypeAlias = Never
    INTERFACE: Final[Interface[Event]] = Interface(
        "dmabroker_params_v1",
        1,
        (),
    )

    @staticmethod
    def destroy(object_id: int) -> Message:
        """destroy the parameters; a buffer made from them stays"""
        return words(object_id, 0)

    @staticmethod
    def set_buffer(object_id: int, size_hi: int, size_lo: int) -> Message:
        """linear memory (a VkBuffer)

        size_hi: bytes, high half
        size_lo: bytes, low half
        """
        return words(object_id, 1, size_hi, size_lo)

    @staticmethod
    def set_image(object_id: int, width: int, height: int, format: int) -> Message:
        """a two-dimensional image

        width: pixels
        height: pixels
        format: DRM fourcc
        """
        return words(object_id, 2, width, height, format)

    @staticmethod
    def add_modifier(object_id: int, modifier_hi: int, modifier_lo: int) -> Message:
        """a DRM format modifier that the client can take

        With none, DRM_FORMAT_MOD_LINEAR alone is taken. The driver chooses among those added.
        """
        return words(object_id, 3, modifier_hi, modifier_lo)

    @staticmethod
    def set_usage(object_id: int, usage: int) -> Message:
        """what the memory is for; transfer by default"""
        return words(object_id, 4, usage)

    @staticmethod
    def set_handle_types(object_id: int, handle_types: int) -> Message:
        """which kinds of file descriptor the client accepts

        dma_buf alone by default. Nothing else is ever substituted.
        """
        return words(object_id, 5, handle_types)

    @staticmethod
    def set_lifetime(object_id: int, lifetime: int) -> Message:
        """how long the broker keeps the buffer; connection by default"""
        return words(object_id, 6, lifetime)

    @staticmethod
    def set_name(object_id: int, name: str) -> Message:
        """a name for people, at most 64 bytes"""
        return parts(object_id, 7, text(name))

    @staticmethod
    def create(object_id: int, buffer_id: int) -> Message:
        """allocate

        Answered on the buffer with info, memory, plane and done, or with failed.
        """
        return words(object_id, 8, buffer_id)

    @staticmethod
    def set_alignment(object_id: int, stride: int, offset: int, size: int, height: int) -> Message:
        """what the layout must be multiples of

        Powers of two; 0 where nothing is demanded. Strides, offsets and height up to 65536,
        size up to 2^30. Linear layouts have strides and offsets in multiples of 64 bytes and
        whole pages at least. Where the driver's layout of an image does not do, the broker
        lays it out itself, linear. For linear memory only size may be demanded.

        stride: bytes from one row to the next, of each plane
        offset: bytes from the start of the memory to each plane
        size: bytes of each memory
        height: rows of the first plane, padding included
        """
        return words(object_id, 9, stride, offset, size, height)

    @staticmethod
    def set_planes(object_id: int, planes: int) -> Message:
        """where the planes of an image lie; shared by default

        Each plane event has a file descriptor of its own either way. It makes no difference
        to linear memory and to formats of one plane.
        """
        return words(object_id, 10, planes)

    @staticmethod
    def set_source(object_id: int, name: str) -> Message:
        """the one source to allocate from

        A name of dmabroker_manager_v1.source, or another name of the same memory, as the
        source's reason tells it. Without it the broker's order of preference decides.
        """
        return parts(object_id, 11, text(name))

    @staticmethod
    def add_plane(object_id: int, fd: int, plane_idx: int, offset: int, stride: int) -> Message:
        """a plane of memory that the client brings, for import

        In the words of zwp_linux_buffer_params_v1.add. The server owns the fd from here on.
        Each plane is sent with an fd, also where several lie in one memory (see import).

        fd: a dma_buf
        plane_idx: 0 to 3
        offset: bytes from the start of the memory
        stride: bytes from one row to the next, 0 for linear memory
        """
        return words(object_id, 12, plane_idx, offset, stride).with_fds(fd)

    @staticmethod
    def import_(object_id: int, buffer_id: int) -> Message:
        """register memory that was made elsewhere

        Sent once instead of create, after set_buffer or set_image, add_plane for each plane,
        and at most one add_modifier (DRM_FORMAT_MOD_LINEAR without). It is checked that the
        planes are dma_bufs and lie in them; then the device imports it, if it can. Planes
        whose fds are of the same file (st_dev and st_ino of fstat(2)) lie in one memory,
        whether the fd was sent once or several times. Answered on the buffer with info,
        memory, plane, checked and done, or with failed. Its content is what it is: nothing is
        zeroed.
        """
        return words(object_id, 13, buffer_id)

    @staticmethod
    def set_placement(object_id: int, placement: int) -> Message:
        """where the memory must be; any by default"""
        return words(object_id, 14, placement)

    @staticmethod
    def set_plane_layout(object_id: int, plane_idx: int, offset: int, stride: int) -> Message:
        """where a memory plane of an image must lie

        Sent for each memory plane, from 0 on without a gap, with exactly one modifier: the
        image gets this layout or is refused (unsupported_layout, with what the driver would
        choose; or invalid_argument, where the daemon lays it out and planes do not fit or
        overlap).

        plane_idx: 0 to 3
        offset: bytes from the start of the memory
        stride: bytes from one row to the next
        """
        return words(object_id, 15, plane_idx, offset, stride)

    @staticmethod
    def test(object_id: int, test_id: int) -> Message:
        """what create would answer

        As often as wanted before create; the parameters are not used up. Nothing is allocated
        and nothing is charged, by the same checks up to the choice of the memory. Where
        buffers were added it is about all of them, and tells what each would be.
        """
        return words(object_id, 16, test_id)

    @staticmethod
    def set_lease(object_id: int, seconds: int) -> Message:
        """keep the buffer for so many seconds, in place of set_lifetime

        Unless it is renewed, the buffer is recalled when they are over, and a little later
        the broker lets go of it. It does not end with its owner's connection.

        seconds: 1 to 86400
        """
        return words(object_id, 17, seconds)

    @staticmethod
    def set_device(object_id: int, device_uuid: str) -> Message:
        """the one Vulkan device to allocate from or to import into

        By the device_uuid of dmabroker_manager_v1.device; the main device without it. The
        daemon opens another device when it is first named. Then memory is that device's
        alone: sources without a device are not taken in its place. A UUID that no usable
        device has is refused (unsupported_device).

        device_uuid: 32 lower-case hexadecimal digits
        """
        return parts(object_id, 18, text(device_uuid))

    @staticmethod
    def adopt(object_id: int, buffer_id: int, id: str, session: str) -> Message:
        """take up a buffer of an earlier connection

        Sent once instead of create. Answered on the buffer with info, memory, plane and done,
        or with failed, as create is.

        Where the session is that of an earlier connection of the same user which has ended,
        and its owner was that connection or it had an object for the buffer, this connection
        takes its place: id, charge, lease, tokens and who has it stay, and info has the same
        id. A buffer that is bound to the connection of its owner is kept by nobody else while
        the daemon restarts: its owner sends add_plane, with the planes that it was told, and
        the files must be those. With other buffers planes are not needed, and not looked at.
        failed has busy while the session's own connection is there, not_found where there is
        no such buffer (any more), and permission_denied where that connection had nothing to
        do with it, or its place was taken already.

        Where the session is not known (any more), memory for which planes were sent is
        imported as by import, for which set_buffer or set_image, add_modifier and the others
        are sent, too: info has another id then, and this client is charged. Without planes,
        failed has invalid_token.

        id: the buffer's, of info
        session: the earlier connection's (dmabroker_manager_v1.session)
        """
        return parts(object_id, 19, word(buffer_id), text(id), text(session))

    @staticmethod
    def add_buffer(object_id: int, buffer_id: int) -> Message:
        """one of several equal buffers, for create_batch

        Sent once for each buffer. What is asked of it before create_batch waits, as behind
        create. At most 1024 requests of a connection wait so, with those behind them on other
        buffers: one more ends the connection (wl_display's no_memory).
        """
        return words(object_id, 20, buffer_id)

    @staticmethod
    def create_batch(object_id: int) -> Message:
        """allocate all buffers that were added, or none

        Sent once instead of create: for a swapchain, a codec's pool, a ring. All are charged
        together before any is made. Each buffer is answered as by create: all with info,
        memory, plane and done, in as few messages as their file descriptors allow; or all
        with the same failed. 1 to 64 buffers, whose number the refusals' constraint calls
        count. A buffer that is destroyed before is allocated with the others, and given up.

        Where the parameters are destroyed before it is sent, all that were added fail
        (not_found).
        """
        return words(object_id, 21)

    @staticmethod
    def set_memory(object_id: int, fd: int, offset_hi: int, offset_lo: int) -> Message:
        """the client's own memory, in place of the daemon's

        create makes a dma_buf of a part of a memfd: from the offset, a multiple of a page, as
        many whole pages as what was described takes. The source is udmabuf, and nothing is
        zeroed. Sent once, and not with create_batch, import or adopt.

        The memfd has ordinary pages, is open for reading and writing, and is sealed with
        F_SEAL_SHRINK and neither with F_SEAL_WRITE nor with F_SEAL_FUTURE_WRITE; planes share
        one memory. What is not so, or ends too early, is refused: invalid_argument, whose
        constraint is memory.

        The client is charged as for every buffer. The kernel charges pages to the control
        group of whoever touched them first, and takes those that are missing in the daemon's:
        a client touches them before, or has fallocate(2) do it. Whoever has the memfd has the
        memory, too, and it stays when the buffer is gone.

        fd: a memfd
        offset_hi: bytes in the memfd, high half
        """
        return words(object_id, 22, offset_hi, offset_lo).with_fds(fd)

    @staticmethod
    def set_lasting_name(object_id: int, name: str) -> Message:
        """a name by which others find the buffer (dmabroker_manager_v1.claim)

        Unique among the buffers of a user: another is refused with name_taken. 1 to 64 of the
        ASCII letters and digits and of . _ : + / -. It is the buffer's until that is
        released. Only for a buffer whose lifetime is not its connection's, and not for a
        batch. For import, too.
        """
        return parts(object_id, 23, text(name))

    @staticmethod
    def set_wait(object_id: int, milliseconds: int) -> Message:
        """wait for memory, in place of a refusal

        Where quotas or the source have no room now (limit_exceeded, recalled, out_of_memory),
        and may have it later, create and create_batch wait so long for it, in a queue in
        which users have turns and one user's requests their order. The buffer is told its
        place by waiting. When the time is over it is asked for once more, and refused as
        without; the refusal's detail has waited_ms. What can never be had is refused at once.
        It ends with destroy or release of the buffer object (of all, for create_batch), which
        fails what was asked of it before, and with the connection, whatever the lifetime. A
        dry run does not wait.

        milliseconds: at most 86400000; 0, the default: not at all
        """
        return words(object_id, 24, milliseconds)

    @staticmethod
    def require_handle_types(object_id: int, handle_types: int) -> Message:
        """all of these kinds of file descriptor for the same memory

        In place of set_handle_types' any of them: each plane comes once for each kind,
        whoever gets the buffer (but by redeem_as). Refused (unsupported_handle_type, whose
        possible has what can be had together) where no source has all of them of one memory.
        What one memory holds is the same through each; a memfd beside a dma_buf can be mapped
        for reading alone, so write through the dma_buf.
        """
        return words(object_id, 25, handle_types)

    @staticmethod
    def set_contiguous(object_id: int, contiguous: int) -> Message:
        """whether the memory must be physically contiguous; any by default

        For devices that read and write without an IOMMU. required is refused
        (unsupported_placement, whose constraint is contiguous) where no source's memory is
        known to be contiguous.
        """
        return words(object_id, 26, contiguous)


class DmabrokerBufferV1:
    """a buffer, allocated or redeemed

    After create, create_batch or redeem the server sends either info, memory for each memory,
    plane for each memory plane, and done, one behind the other; or failed, after which the
    object is only good for destroy. After done, reissue is answered in the same way, and
    failed leaves the object as it was.

    Requests need not wait for that answer: what names a buffer whose answer is on its way is
    done after it, in the order in which it was sent, or fails as the buffer did. Requests on
    different buffers may be answered in any order.
    """

    class ReleaseReason(IntEnum):
        """release_reason"""

        owner = 1
        """its owner released it or disconnected"""
        administrator = 2
        """it was released over REST"""
        lease_expired = 3
        """its lease ended, and so did the period of grace"""

    class RecallReason(IntEnum):
        """recall_reason"""

        withdrawn = 0
        """it may be kept after all"""
        share = 1
        """its owner holds more than its share, and another needs it"""
        memory_pressure = 2
        """the machine or the device is short of memory"""
        lease_expired = 3
        """its lease has ended"""
        administrator = 4
        """somebody asked for it over REST"""

    class FallBack(IntEnum):
        """fall_back"""

        out_of_memory = 1
        """the source that was chosen had no more"""
        not_contiguous = 2
        """no source that served the request has memory known to be contiguous"""
        display_refused = 3
        """a display refused memory of the source that was chosen"""

    class ImportCheck(IntEnum):
        """import_check"""

        device = 1
        """the Vulkan device imported it"""
        layout = 2
        """only the planes' places in the memory were checked"""

    @dataclass(slots=True)
    class InfoEvent:
        """what the buffer is

        id: at most 13 characters of base32
        handle_types: the types of the fds that follow
        size_hi: bytes of all memories together, high half
        format: DRM fourcc, 0 for linear memory
        width: pixels, 0 for linear memory
        height: pixels, 0 for linear memory
        """

        id: str
        generation: int
        handle_types: int
        source: str
        size_hi: int
        size_lo: int
        format: int
        modifier_hi: int
        modifier_lo: int
        width: int
        height: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string(), reader.uint(), reader.uint(), reader.string(), reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class MemoryEvent:
        """a memory

        Sent for each memory that the planes lie in, from 0 on, after info and before the
        planes. That many bytes of it can be mapped. Several planes may lie in one memory; its
        number tells, also where the same file has come under several file descriptors.

        size_hi: bytes, high half
        """

        index: int
        size_hi: int
        size_lo: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class PlaneEvent:
        """a memory plane

        With those of zwp_linux_buffer_params_v1.add among its arguments, to which they can be
        passed on. Each has a file descriptor of its own, the receiver's to close, also where
        planes share a memory. A plane comes once for each of info's handle types.

        handle_type: the fd's, exactly one bit
        memory: the number of the memory that it lies in
        offset: bytes from the start of the memory
        stride: bytes from one row to the next, 0 for linear memory
        """

        fd: int
        handle_type: int
        plane_idx: int
        memory: int
        offset: int
        stride: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class DoneEvent:
        """the buffer is complete"""

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls()

    @dataclass(slots=True)
    class LongDetailEvent:
        """the whole detail of the refusal that follows

        Sent before failed or lease_refused, and only where the JSON is longer than a message
        may be: the refusal's own detail is then a part of it, with truncated. There may be
        none for a client that holds as much as it may.

        fd: a memfd, sealed against every change
        size: bytes of UTF-8, at most 2^20
        """

        fd: int
        size: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint())

    @dataclass(slots=True)
    class FailedEvent:
        """the buffer could not be had

        message: a sentence for people
        detail: a JSON object: constraint, requested, possible, nearest; or a part of it
        (long_detail)
        """

        code: int
        message: str
        detail: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    @dataclass(slots=True)
    class ReleasedEvent:
        """the broker has let go of the buffer

        Its file descriptors stay valid for everybody who has them. It can no longer be
        shared.
        """

        reason: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class CheckedEvent:
        """how an import was checked; before done, and for imports alone

        reason: the device, or why it did not import
        """

        how: int
        reason: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string())

    @dataclass(slots=True)
    class VulkanMemoryEvent:
        """how a Vulkan device must import an opaque_fd; before done, for opaque_fd alone

        On the same device and driver, with the memory's size as allocationSize
        (VUID-VkMemoryAllocateInfo-allocationSize-01742). Dedicated memory is imported with
        VkMemoryDedicatedAllocateInfo, or with CUDA_EXTERNAL_MEMORY_DEDICATED. Not sent for
        memory of the source cuda on a device that the broker does not have open by Vulkan.

        memory_type: memoryTypeIndex
        dedicated: 1 if it is dedicated to one VkBuffer, else 0
        """

        memory_type: int
        dedicated: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint())

    @dataclass(slots=True)
    class LostEvent:
        """the device was lost, and the memory with it

        What the memory of this generation holds is undefined from now on; its file
        descriptors stay valid. The buffer can be neither shared nor redeemed until its owner
        has sent reissue.

        generation: the generation that was lost
        """

        generation: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class ReissuedEvent:
        """the buffer has memory again

        Its owner or an administrator had it allocated anew: reissue gives this object the
        planes. Not sent to the object whose own reissue is answered.

        generation: the generation that there is now
        """

        generation: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class UnverifiedEvent:
        """usages that were taken on trust

        Before done, where some of the usages asked for are of this kind. Whether the memory
        serves for them, its users find out. scanout is not among them where a display was
        shown this memory and takes it; it is where one refuses it, of whatever source (REST
        says which, and why).
        """

        usage: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class RecallEvent:
        """the buffer is asked back

        Sent to its owner's object. Another user is below its share of the memory, memory is
        short, or an administrator wants it back. Whoever has not released the buffer when the
        seconds are over gets no further allocation (recalled) until it has. With withdrawn it
        may be kept.

        lease_expired is sent to every object for the buffer: when the seconds are over the
        broker lets go of it (released), unless the lease is renewed before (lease).

        seconds: from now on
        """

        reason: int
        seconds: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint())

    @dataclass(slots=True)
    class LeaseEvent:
        """when the lease ends

        For a buffer with a lease, before done and after a renewal, whoever asked for it; of
        several renewals others may be told of the last one alone. It withdraws a recall
        because of lease_expired.

        seconds: from now on
        answer: 1 if it answers this object's renew, else 0
        """

        seconds: int
        answer: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint())

    @dataclass(slots=True)
    class LeaseRefusedEvent:
        """renew was refused; the lease is what it was

        message: a sentence for people
        detail: a JSON object: constraint, requested, possible
        """

        code: int
        message: str
        detail: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    @dataclass(slots=True)
    class DeviceEvent:
        """the Vulkan device whose memory it is; before done, for none but such

        The device that made the memory or imported it. An opaque_fd is for this device alone.

        device_uuid: 32 lower-case hexadecimal digits
        """

        device_uuid: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string())

    @dataclass(slots=True)
    class MetadataEvent:
        """the document of a revision

        Before committed, where the revision has one; not where committed answers this
        object's commit. One JSON object. Its size is the file's.

        fd: a memfd, sealed against every change
        size: bytes of UTF-8, at most 65536
        """

        fd: int
        size: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint())

    @dataclass(slots=True)
    class CommittedEvent:
        """there is a revision of the content

        Sent to every object for the buffer when its writer commits, and before info to one
        that is new. Who does not read fast enough is told of the newest alone. After reissue
        there is none until the next commit.

        The digest is the SHA-256, as 64 hexadecimal digits, of the layout as the server tells
        it: these lines, each with a line feed at its end, numbers in decimal.

        dmabroker-layout-1 size SIZE format FORMAT modifier MODIFIER width WIDTH height HEIGHT
        (from info) memory INDEX SIZE (for each memory) plane INDEX MEMORY OFFSET STRIDE (for
        each plane)

        answer: 1 if it answers this object's commit, else 0
        """

        revision_hi: int
        revision_lo: int
        digest: str
        answer: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.string(), reader.uint())

    @dataclass(slots=True)
    class CommitRefusedEvent:
        """commit was refused; the revision is what it was

        message: a sentence for people
        detail: a JSON object: constraint, requested, possible
        """

        code: int
        message: str
        detail: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    @dataclass(slots=True)
    class WaitingEvent:
        """it waits for memory

        After set_wait, at once where there is no room; and again, some times a second at
        most, when its place is another one. Places grow, too: each user's first comes before
        anybody's second.

        place: 1: it is next
        """

        place: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class FellBackEvent:
        """it is not of the source that was wanted first; before done

        A heap of its own memory had no more, and another source was taken in its place, of
        the chain that the daemon's configuration says (never one whose memory does not serve
        the request); or contiguous memory was preferred (dmabroker_params_v1.set_contiguous),
        and this is not known to be; or a display refused memory of the source that was
        chosen. info names the source that it is of.

        source: the one that had no more, or was refused; empty where it is another reason
        message: a sentence for people
        """

        reason: int
        source: str
        message: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    Event: TypeAlias = Union[
        InfoEvent,
        MemoryEvent,
        PlaneEvent,
        DoneEvent,
        LongDetailEvent,
        FailedEvent,
        ReleasedEvent,
        CheckedEvent,
        VulkanMemoryEvent,
        LostEvent,
        ReissuedEvent,
        UnverifiedEvent,
        RecallEvent,
        LeaseEvent,
        LeaseRefusedEvent,
        DeviceEvent,
        MetadataEvent,
        CommittedEvent,
        CommitRefusedEvent,
        WaitingEvent,
        FellBackEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "dmabroker_buffer_v1",
        1,
        (
            InfoEvent.read,
            MemoryEvent.read,
            PlaneEvent.read,
            DoneEvent.read,
            LongDetailEvent.read,
            FailedEvent.read,
            ReleasedEvent.read,
            CheckedEvent.read,
            VulkanMemoryEvent.read,
            LostEvent.read,
            ReissuedEvent.read,
            UnverifiedEvent.read,
            RecallEvent.read,
            LeaseEvent.read,
            LeaseRefusedEvent.read,
            DeviceEvent.read,
            MetadataEvent.read,
            CommittedEvent.read,
            CommitRefusedEvent.read,
            WaitingEvent.read,
            FellBackEvent.read,
        ),
    )

    @staticmethod
    def destroy(object_id: int) -> Message:
        """the client no longer needs the object

        If the client owns the buffer and its lifetime is connection, the buffer is released,
        when what was asked of it before is done. Before the server has sent done, an
        allocation is given up whatever its lifetime.
        """
        return words(object_id, 0)

    @staticmethod
    def release(object_id: int) -> Message:
        """release the buffer, whatever its lifetime

        Only its owner's connection may; for anybody else it does nothing. No events but the
        answers to earlier requests follow. The object is to be destroyed as any other.
        """
        return words(object_id, 1)

    @staticmethod
    def share(object_id: int, share_id: int, uses: int, uid: int, seconds: int, rights: int) -> Message:
        """make a token with which others can redeem the buffer

        uses: how often it can be redeemed, at least 1
        uid: the only user who may redeem it; 0xffffffff: any
        seconds: how long it is good for; 0: as long as the buffer
        rights: what else its redeemers may do
        """
        return words(object_id, 2, share_id, uses, uid, seconds, rights)

    @staticmethod
    def reissue(object_id: int) -> Message:
        """replace memory that was lost

        For the owner of a lost buffer the server allocates it anew, zeroed, with the same id,
        name and tokens, and answers with info (of the next generation), memory, plane and
        done; or with failed, after which reissue may be sent again. Anybody else gets the
        planes of a buffer that is not lost (any more), and failed with permission_denied
        while it is. Sent again before it is answered, it is answered once.
        """
        return words(object_id, 3)

    @staticmethod
    def renew(object_id: int, seconds: int) -> Message:
        """renew the lease

        It ends so many seconds from now, or later where it would have. For the owner, and for
        who has redeemed a token with the right to renew. Answered with lease or with
        lease_refused.

        seconds: 1 to 86400
        """
        return words(object_id, 4, seconds)

    @staticmethod
    def park(object_id: int, seconds: int) -> Message:
        """give the buffer a lease in place of the lifetime that it has

        For its owner's connection, which is about to end: a compositor that is restarted,
        say. The buffer does not end with the connection, and whoever has its session adopts
        it. Answered with lease or with lease_refused.

        seconds: 1 to 86400
        """
        return words(object_id, 5, seconds)

    @staticmethod
    def set_metadata(object_id: int, fd: int, size: int) -> Message:
        """the document of the next revision

        A memfd of exactly that size that is sealed against every change (F_SEAL_SHRINK,
        F_SEAL_GROW, F_SEAL_WRITE), with one JSON object in UTF-8, 64 levels deep at most:
        tensor names with offset, dtype and shape, say. What it is, commit looks at, and
        refuses where it is not that. The server makes a copy.

        size: bytes, at most 65536
        """
        return words(object_id, 6, size).with_fds(fd)

    @staticmethod
    def commit(object_id: int, revision_hi: int, revision_lo: int) -> Message:
        """tell that there is new content

        For the writer of a buffer with a lasting name: the connection that allocated it, or
        that has claimed it so. Everybody who has an object for the buffer is told. The
        revision is larger than the last one; 0: the next one. The document is the one that
        was set since the last commit, or where none was, that of the revision before.
        Answered with committed or with commit_refused.

        The server touches no content. Readers are readers by agreement: a dma_buf can be made
        read-only for nobody who has it.

        revision_lo: at most 2^53 - 1 in all
        """
        return words(object_id, 7, revision_hi, revision_lo)


class DmabrokerTestV1:
    """the answer to a dry run

    Either possible, memory for each memory, plane_layout for each plane, unverified where
    there is some, and done; or failed.
    """

    @dataclass(slots=True)
    class PossibleEvent:
        """what would be allocated

        size_hi: bytes of all memories together, high half
        handle_types: as in dmabroker_buffer_v1.info
        planes: how many plane_layout events follow
        """

        source: str
        size_hi: int
        size_lo: int
        handle_types: int
        modifier_hi: int
        modifier_lo: int
        planes: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string(), reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class MemoryEvent:
        """a memory that there would be; the kernel may round it up to whole pages

        size_hi: bytes, high half
        """

        index: int
        size_hi: int
        size_lo: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class PlaneLayoutEvent:
        """where a plane would lie

        memory: the number of the memory that it would lie in
        offset: bytes from the start of the memory
        stride: bytes from one row to the next, 0 for linear memory
        """

        plane_idx: int
        memory: int
        offset: int
        stride: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.uint(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class UnverifiedEvent:
        """usages that would be taken on trust

        As of dmabroker_buffer_v1: scanout is not among them where a display has taken memory
        like it a moment ago.
        """

        usage: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class DoneEvent:
        """the answer is complete"""

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls()

    @dataclass(slots=True)
    class LongDetailEvent:
        """the whole detail of the refusal that follows

        Sent before failed, and only where the JSON is longer than a message may be: the
        refusal's own detail is then a part of it, with truncated. There may be none for a
        client that holds as much as it may.

        fd: a memfd, sealed against every change
        size: bytes of UTF-8, at most 2^20
        """

        fd: int
        size: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint())

    @dataclass(slots=True)
    class FailedEvent:
        """create would be refused

        message: a sentence for people
        detail: a JSON object, as in dmabroker_buffer_v1.failed
        """

        code: int
        message: str
        detail: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    Event: TypeAlias = Union[
        PossibleEvent,
        MemoryEvent,
        PlaneLayoutEvent,
        UnverifiedEvent,
        DoneEvent,
        LongDetailEvent,
        FailedEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "dmabroker_test_v1",
        1,
        (
            PossibleEvent.read,
            MemoryEvent.read,
            PlaneLayoutEvent.read,
            UnverifiedEvent.read,
            DoneEvent.read,
            LongDetailEvent.read,
            FailedEvent.read,
        ),
    )

    @staticmethod
    def destroy(object_id: int) -> Message:
        """destroy the object"""
        return words(object_id, 0)


class DmabrokerShareV1:
    """a token being made

    The server answers with token_id and token, or with failed.
    """

    class Right(IntFlag):
        """what who redeems a token may do beside using the memory"""

        renew = 1
        """renew the buffer's lease"""

    class Error(IntEnum):
        """error"""

        invalid_rights = 0
        """unknown bits in rights"""

    @dataclass(slots=True)
    class TokenEvent:
        """the token, a secret"""

        token: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string())

    @dataclass(slots=True)
    class LongDetailEvent:
        """the whole detail of the refusal that follows

        Sent before failed, and only where the JSON is longer than a message may be: the
        refusal's own detail is then a part of it, with truncated. There may be none for a
        client that holds as much as it may.

        fd: a memfd, sealed against every change
        size: bytes of UTF-8, at most 2^20
        """

        fd: int
        size: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint())

    @dataclass(slots=True)
    class FailedEvent:
        """failed

        message: a sentence for people
        detail: a JSON object, as in dmabroker_buffer_v1.failed
        """

        code: int
        message: str
        detail: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    @dataclass(slots=True)
    class TokenIdEvent:
        """the token's name in lists, no secret; before token"""

        id: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.string())

    Event: TypeAlias = Union[
        TokenEvent,
        LongDetailEvent,
        FailedEvent,
        TokenIdEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "dmabroker_share_v1",
        1,
        (
            TokenEvent.read,
            LongDetailEvent.read,
            FailedEvent.read,
            TokenIdEvent.read,
        ),
    )

    @staticmethod
    def destroy(object_id: int) -> Message:
        """destroy the object; the token stays good"""
        return words(object_id, 0)

    @staticmethod
    def revoke(object_id: int) -> Message:
        """end the token

        Who has redeemed the token before keeps what was received. The object is to be
        destroyed as any other.
        """
        return words(object_id, 1)


class DmabrokerWorkV1:
    """a copy, fill or read of a buffer

    First the range, which is the whole buffer if nothing is said: set_offset and set_size,
    for a copy set_source_offset; each as often as wanted, and the last one counts. Then
    exactly one of copy, fill and read, which the server answers with done, for a read after
    content, or with failed. Until then nobody else should write to the memory.

    Work on the same memory is done in the order of the requests, and waits for the fences
    that others had attached to its dma_bufs by then (implicit synchronisation); where they do
    not signal for long, it is refused (busy). Once the buffer's object is destroyed, nothing
    more is begun (not_found); what was asked for before is done.
    """

    class Error(IntEnum):
        """error"""

        already_used = 0
        """a request but destroy after copy, fill or read"""
        no_source = 1
        """set_source_offset, and then fill or read"""

    class Path(IntEnum):
        """who moved the bytes"""

        device = 1
        """the Vulkan device"""
        cpu = 2
        """the CPU, since the device cannot take the memory"""

    @dataclass(slots=True)
    class ContentEvent:
        """what was read

        fd: a memfd of that size, sealed against change
        size_hi: bytes, high half
        """

        fd: int
        size_hi: int
        size_lo: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint(), reader.uint())

    @dataclass(slots=True)
    class DoneEvent:
        """the bytes are where they should be"""

        path: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint())

    @dataclass(slots=True)
    class LongDetailEvent:
        """the whole detail of the refusal that follows

        Sent before failed, and only where the JSON is longer than a message may be: the
        refusal's own detail is then a part of it, with truncated. There may be none for a
        client that holds as much as it may.

        fd: a memfd, sealed against every change
        size: bytes of UTF-8, at most 2^20
        """

        fd: int
        size: int

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.fd(), reader.uint())

    @dataclass(slots=True)
    class FailedEvent:
        """failed

        message: a sentence for people
        detail: a JSON object, as in dmabroker_buffer_v1.failed
        """

        code: int
        message: str
        detail: str

        @classmethod
        def read(cls, reader: Reader) -> Self:
            return cls(reader.uint(), reader.string(), reader.string())

    Event: TypeAlias = Union[
        ContentEvent,
        DoneEvent,
        LongDetailEvent,
        FailedEvent,
    ]
    INTERFACE: Final[Interface[Event]] = Interface(
        "dmabroker_work_v1",
        1,
        (
            ContentEvent.read,
            DoneEvent.read,
            LongDetailEvent.read,
            FailedEvent.read,
        ),
    )

    @staticmethod
    def destroy(object_id: int) -> Message:
        """destroy the object; the work is done all the same"""
        return words(object_id, 0)

    @staticmethod
    def set_offset(object_id: int, offset_hi: int, offset_lo: int) -> Message:
        """where the range begins; 0 by default

        offset_hi: bytes in the buffer, high half
        """
        return words(object_id, 1, offset_hi, offset_lo)

    @staticmethod
    def set_size(object_id: int, size_hi: int, size_lo: int) -> Message:
        """how long the range is; 0, the default: to the end

        size_hi: bytes, high half
        """
        return words(object_id, 2, size_hi, size_lo)

    @staticmethod
    def set_source_offset(object_id: int, offset_hi: int, offset_lo: int) -> Message:
        """where in the source a copy begins; 0 by default

        offset_hi: bytes in the source, high half
        """
        return words(object_id, 3, offset_hi, offset_lo)

    @staticmethod
    def copy(object_id: int, source: int) -> Message:
        """copy another buffer's content into this one

        Linear memory into linear memory: as many bytes as the size says (0: to the source's
        end), which must fit in this buffer. An image into an image of the same format, width
        and height: offsets and size are 0; strides may differ where both layouts are linear.
        """
        return words(object_id, 4, source)

    @staticmethod
    def fill(object_id: int, value: int) -> Message:
        """write one value all over

        Offset and size are multiples of 4. An image is filled whole: both are 0. Of an
        imported image its pixels alone are: offsets, strides and the bytes of a row are
        multiples of 4, and the layout is linear.

        value: 32 bits, in the host's byte order
        """
        return words(object_id, 5, value)

    @staticmethod
    def read(object_id: int) -> Message:
        """get a copy of the content

        Several memories (separate planes) count one after the other. Of an imported image,
        which must be linear, each counts from the image's first byte in it to its last one.
        """
        return words(object_id, 6)
