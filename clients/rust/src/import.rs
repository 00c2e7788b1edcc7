//! Memory that a client brings.

use std::os::fd::{AsFd, BorrowedFd};

use crate::request::{terms, Shape, Terms};
use crate::told::Description;
use crate::words::Fourcc;

/// A plane of memory that is brought: a dma_buf, which stays the caller's.
#[derive(Debug, Clone, Copy)]
pub struct BroughtPlane<'a> {
    /// Each plane is sent with one, also where several lie in one memory.
    pub fd: BorrowedFd<'a>,
    /// Bytes from the start of the memory.
    pub offset: u32,
    /// Bytes from one row to the next, 0 for linear memory.
    pub stride: u32,
}

/// Memory that was made elsewhere.
#[derive(Debug, Clone)]
pub struct Import<'a> {
    pub(crate) shape: Shape,
    pub(crate) terms: Terms,
    pub(crate) modifier: u64,
    pub(crate) planes: Vec<BroughtPlane<'a>>,
}

impl<'a> Import<'a> {
    /// So many bytes: one plane.
    pub fn linear(size: u64, planes: impl IntoIterator<Item = BroughtPlane<'a>>) -> Self {
        let shape = Shape::Linear { size };
        Self {
            shape,
            terms: Terms::default(),
            modifier: 0,
            planes: planes.into_iter().collect(),
        }
    }

    /// An image of linear layout.
    pub fn image(
        width: u32,
        height: u32,
        format: Fourcc,
        planes: impl IntoIterator<Item = BroughtPlane<'a>>,
    ) -> Self {
        let shape = Shape::Image {
            width,
            height,
            format,
        };
        Self {
            shape,
            terms: Terms::default(),
            modifier: 0,
            planes: planes.into_iter().collect(),
        }
    }

    /// The image's DRM format modifier.
    pub fn modifier(mut self, modifier: u64) -> Self {
        self.modifier = modifier;
        self
    }
}

impl<'a> Import<'a> {
    /// A buffer's own memory.
    pub(crate) fn of(told: &'a Description, terms: Terms) -> Self {
        let shape = match (told.format, told.width, told.height) {
            (Some(format), Some(width), Some(height)) => Shape::Image {
                width,
                height,
                format,
            },
            _ => Shape::Linear { size: told.size },
        };
        let planes = told.planes.iter().map(|plane| BroughtPlane {
            fd: plane.fd.as_fd(),
            offset: plane.offset,
            stride: plane.stride,
        });
        Self {
            shape,
            terms,
            modifier: told.modifier.unwrap_or(0),
            planes: planes.collect(),
        }
    }
}
terms!(Import<'_>);
