//! What a client may ask for: memory to be allocated (import.rs: memory that it brings). What only the daemon can judge is its to refuse;
//! what would be taken for a violation, and cost the connection, is found in checks.rs, before anything is sent.

use std::os::fd::OwnedFd;

use crate::words::{Contiguous, Fourcc, HandleType, Placement, Usage};

/// How long the broker keeps a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// Until its owner lets go of it, or disconnects.
    #[default]
    Connection,
    /// Until it is released.
    UntilReleased,
    /// For so many seconds, unless it is renewed, whoever is connected.
    Lease(u32),
}

/// Powers of two that the layout must be multiples of; 0 where nothing is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alignment {
    /// Bytes from one row to the next, of each plane.
    pub stride: u32,
    /// Bytes from the start of the memory to each plane.
    pub offset: u32,
    /// Bytes of each memory.
    pub size: u32,
    /// Rows of the first plane, padding included.
    pub height: u32,
}

/// Where a plane lies in its memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// From the start of the memory.
    pub offset: u32,
    /// From one row to the next.
    pub stride: u32,
}

/// What is described: linear memory, or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Linear {
        size: u64,
    },
    Image {
        width: u32,
        height: u32,
        format: Fourcc,
    },
}

/// What an allocation and an import have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub usage: Option<Usage>,
    pub device: Option<String>,
    pub lifetime: Lifetime,
    pub name: Option<String>,
    pub lasting_name: Option<String>,
}

/// The fields of `Terms`, for each kind of request.
macro_rules! terms {
    ($($kind:tt)+) => {
        impl $($kind)+ {
            /// What the memory is for; [`Usage::Transfer`](crate::Usage::Transfer) by default.
            pub fn usage(mut self, usage: $crate::Usage) -> Self {
                self.terms.usage = Some(usage);
                self
            }

            /// The one Vulkan device, by its UUID ([`Broker::devices`](crate::Broker::devices)).
            pub fn device(mut self, device_uuid: impl Into<String>) -> Self {
                self.terms.device = Some(device_uuid.into());
                self
            }

            /// [`Lifetime::Connection`](crate::Lifetime::Connection) by default.
            pub fn lifetime(mut self, lifetime: $crate::Lifetime) -> Self {
                self.terms.lifetime = lifetime;
                self
            }

            /// For people, at most 64 bytes.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.terms.name = Some(name.into());
                self
            }

            /// By which other processes [`claim`](crate::Client::claim) it, unique among the user's; for a lifetime that is not
            /// the connection's.
            pub fn lasting_name(mut self, name: impl Into<String>) -> Self {
                self.terms.lasting_name = Some(name.into());
                self
            }
        }
    };
}

pub(crate) use terms;

/// Memory to be allocated. What is not said is as the daemon has it by default.
#[derive(Debug)]
pub struct Request {
    pub(crate) shape: Shape,
    pub(crate) terms: Terms,
    pub(crate) handle_types: HandleType,
    pub(crate) all_handle_types: bool,
    pub(crate) placement: Placement,
    pub(crate) contiguous: Contiguous,
    pub(crate) source: Option<String>,
    pub(crate) alignment: Alignment,
    pub(crate) modifiers: Vec<u64>,
    pub(crate) separate_planes: bool,
    pub(crate) layout: Vec<PlaneLayout>,
    pub(crate) memory: Option<(OwnedFd, u64)>,
    pub(crate) wait_ms: u32,
}
terms!(Request);

impl Request {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            terms: Terms::default(),
            handle_types: HandleType::DmaBuf,
            all_handle_types: false,
            placement: Placement::Any,
            contiguous: Contiguous::Any,
            source: None,
            alignment: Alignment::default(),
            modifiers: Vec::new(),
            separate_planes: false,
            layout: Vec::new(),
            memory: None,
            wait_ms: 0,
        }
    }

    /// So many bytes.
    pub fn linear(size: u64) -> Self {
        Self::new(Shape::Linear { size })
    }

    /// A two-dimensional image.
    pub fn image(width: u32, height: u32, format: Fourcc) -> Self {
        Self::new(Shape::Image {
            width,
            height,
            format,
        })
    }

    /// Any of these kinds of fd is accepted: [`HandleType::DmaBuf`] alone by default. Nothing else is ever substituted.
    pub fn handle_types(mut self, any: HandleType) -> Self {
        self.handle_types = any;
        self.all_handle_types = false;
        self
    }

    /// The same memory is to be had as all of these kinds of fd ([`Plane::further`](crate::Plane::further)).
    pub fn all_handle_types(mut self, all: HandleType) -> Self {
        self.handle_types = all;
        self.all_handle_types = true;
        self
    }

    /// Where the memory must be; anywhere by default.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Whether the memory must be physically contiguous, as devices without an IOMMU want it.
    pub fn contiguous(mut self, contiguous: Contiguous) -> Self {
        self.contiguous = contiguous;
        self
    }

    /// The one source to allocate from, e.g. `dma-heap:system`; by default the daemon chooses.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the layout must be multiples of.
    pub fn alignment(mut self, alignment: Alignment) -> Self {
        self.alignment = alignment;
        self
    }

    /// DRM format modifiers that can be taken; DRM_FORMAT_MOD_LINEAR alone by default.
    pub fn modifiers(mut self, modifiers: impl IntoIterator<Item = u64>) -> Self {
        self.modifiers = modifiers.into_iter().collect();
        self
    }

    /// Each plane in a memory of its own, as multi-planar V4L2 takes them.
    pub fn separate_planes(mut self) -> Self {
        self.separate_planes = true;
        self
    }

    /// Where each memory plane must lie, with exactly one modifier.
    pub fn layout(mut self, planes: impl IntoIterator<Item = PlaneLayout>) -> Self {
        self.layout = planes.into_iter().collect();
        self
    }

    /// The program's own memory in place of the daemon's: a dma_buf is made of it (the source `udmabuf`), from `offset`, a multiple
    /// of a page, on. A memfd that is sealed with F_SEAL_SHRINK and not against writing. The kernel charges pages to whoever touches
    /// them first: fallocate(2) takes those that are missing before the daemon does.
    pub fn memory(mut self, memfd: OwnedFd, offset: u64) -> Self {
        self.memory = Some((memfd, offset));
        self
    }

    /// Milliseconds to wait for memory where there is none now and may be some later, in place of a refusal.
    pub fn wait_ms(mut self, milliseconds: u32) -> Self {
        self.wait_ms = milliseconds;
        self
    }
}
