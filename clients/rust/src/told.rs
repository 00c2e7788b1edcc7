//! What the daemon says of a buffer, in the library's words.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use wayland_client::WEnum;

use crate::events::Recall;
use crate::lasting::Committed;
use crate::words::{FallBack, Fourcc, HandleType, ImportCheck, ReleaseReason, Usage};

/// A memory plane: which memory it lies in, where, and a file descriptor of that memory.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plane {
    /// Close-on-exec, and closed with the buffer; `try_clone` makes one to hand on (Vulkan, EGL, V4L2, SCM_RIGHTS).
    pub fd: OwnedFd,
    /// The number of the memory that it lies in: planes may share one, or not.
    pub memory: usize,
    /// Bytes from the start of the memory.
    pub offset: u32,
    /// Bytes from one row to the next, 0 for linear memory.
    pub stride: u32,
    /// The same plane as other kinds of fd, where the buffer was made as several.
    pub further: Vec<(HandleType, OwnedFd)>,
}

impl From<Plane> for OwnedFd {
    fn from(plane: Plane) -> Self {
        plane.fd
    }
}

impl AsFd for Plane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How an import was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// By the device, or the layout alone; a number where it is a later daemon's.
    pub how: WEnum<ImportCheck>,
    /// The device, or why it did not import.
    pub reason: String,
}

/// Why memory is not of the source that was wanted first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FellBack {
    /// The reason.
    pub reason: WEnum<FallBack>,
    /// The source that had no more; none for another reason.
    pub source: Option<String>,
    /// A sentence for people.
    pub message: String,
}

/// How a Vulkan device, or CUDA, must import an opaque_fd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VulkanMemory {
    /// memoryTypeIndex.
    pub memory_type: u32,
    /// Whether it is dedicated to one VkBuffer.
    pub dedicated: bool,
}

/// What the daemon has said of a buffer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Description {
    /// Its name for everybody; no secret.
    pub id: String,
    /// One more each time that its memory was lost and made anew.
    pub generation: u32,
    /// That of the planes' fds; empty where it is one of a later daemon's.
    pub handle_type: HandleType,
    /// Where the memory is from.
    pub source: String,
    /// Bytes of all memories together.
    pub size: u64,
    /// None for linear memory, as are modifier, width and height.
    pub format: Option<Fourcc>,
    /// The DRM format modifier.
    pub modifier: Option<u64>,
    /// In pixels.
    pub width: Option<u32>,
    /// In pixels.
    pub height: Option<u32>,
    /// How many bytes of each can be mapped.
    pub memories: Vec<u64>,
    /// What lies in them.
    pub planes: Vec<Plane>,
    /// The UUID of the Vulkan device whose memory it is.
    pub device: Option<String>,
    /// Where it was imported.
    pub checked: Option<Checked>,
    /// Where it is an opaque_fd.
    pub vulkan: Option<VulkanMemory>,
    /// Usages that were taken on trust.
    pub unverified_usage: Usage,
    /// Where it is not of the source that was wanted first.
    pub fell_back: Option<FellBack>,
}

/// What would be allocated ([`Client::test`](crate::Client::test)).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Planned {
    /// What the planes' fds would be.
    pub handle_type: HandleType,
    /// Where the memory would be from.
    pub source: String,
    /// Bytes of all memories together.
    pub size: u64,
    /// None for linear memory.
    pub modifier: Option<u64>,
    /// Bytes of each.
    pub memories: Vec<u64>,
    /// Where each would lie.
    pub planes: Vec<PlannedPlane>,
    /// Usages that would be taken on trust.
    pub unverified_usage: Usage,
}

/// Where a plane would lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedPlane {
    /// The number of the memory.
    pub memory: usize,
    /// Bytes from the start of the memory.
    pub offset: u32,
    /// Bytes from one row to the next.
    pub stride: u32,
}

/// What has become of a buffer, as far as the client has heard.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct State {
    /// Why the broker let go of it; its fds stay good all the same.
    pub released: Option<WEnum<ReleaseReason>>,
    /// The broker asks for it back.
    pub recalled: Option<Recall>,
    /// The device was lost, and what this memory holds is undefined.
    pub lost: bool,
    /// When its lease ends, where it has one.
    pub lease_ends: Option<Instant>,
    /// What its writer has published last; None: nothing, or its memory was lost since.
    pub committed: Option<Committed>,
    /// The document of that, JSON. It comes from who wrote it, and is to be checked as such.
    pub metadata: Option<String>,
}

/// Of several kinds a dma_buf, else a memfd, is what the planes' fds are.
pub(crate) fn first_type(bits: HandleType) -> HandleType {
    let all = [HandleType::DmaBuf, HandleType::Memfd, HandleType::OpaqueFd];
    all.into_iter()
        .find(|each| bits.contains(*each))
        .unwrap_or(HandleType::empty())
}
