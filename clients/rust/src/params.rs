//! `dmabroker_params_v1` as the client sends it: what is to be allocated, or what is brought.

use std::os::fd::AsFd;

use crate::error::Result;
use crate::import::Import;
use crate::line::Line;
use crate::protocol::dmabroker_manager_v1::Request as Ask;
use crate::protocol::dmabroker_params_v1::{DmabrokerParamsV1, Lifetime as Bound, PlaneMemory};
use crate::request::{Alignment, Lifetime, Request, Shape, Terms};
use crate::words::{Contiguous, Placement};

/// A value of 64 bits as it travels.
pub(crate) fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

pub(crate) fn joined(high: u32, low: u32) -> u64 {
    (u64::from(high) << 32) | u64::from(low)
}

/// A description, which is used up when it is dropped: it asks for no more than what was sent by then.
pub(crate) struct Params<'a> {
    line: &'a Line,
    pub object: DmabrokerParamsV1,
}

impl Drop for Params<'_> {
    fn drop(&mut self) {
        self.object.destroy();
    }
}

impl<'a> Params<'a> {
    pub fn new(line: &'a Line) -> Result<Self> {
        line.make_room()?;
        let object = line.create(&line.manager, Ask::CreateParams {}, line.deaf())?;
        Ok(Self { line, object })
    }

    fn shape(&self, shape: Shape) {
        match shape {
            Shape::Linear { size } => {
                let (high, low) = halves(size);
                self.object.set_buffer(high, low);
            }
            Shape::Image {
                width,
                height,
                format,
            } => self.object.set_image(width, height, format.0),
        }
    }

    /// What is to be allocated.
    pub fn want(&self, request: &Request) -> Result<()> {
        let object = &self.object;
        self.shape(request.shape);
        for (index, modifier) in request.modifiers.iter().enumerate() {
            // 256 of them are more than is sent at once.
            if index % 64 == 63 {
                self.line.make_room()?;
            }
            let (high, low) = halves(*modifier);
            object.add_modifier(high, low);
        }
        if request.separate_planes {
            object.set_planes(PlaneMemory::Separate);
        }
        for (index, place) in (0..).zip(&request.layout) {
            object.set_plane_layout(index, place.offset, place.stride);
        }
        if request.alignment != Alignment::default() {
            let Alignment {
                stride,
                offset,
                size,
                height,
            } = request.alignment;
            object.set_alignment(stride, offset, size, height);
        }
        if request.wait_ms > 0 {
            object.set_wait(request.wait_ms);
        }
        if let Some(source) = &request.source {
            object.set_source(source.clone());
        }
        if request.placement != Placement::Any {
            object.set_placement(request.placement);
        }
        if request.contiguous != Contiguous::Any {
            object.set_contiguous(request.contiguous);
        }
        if request.all_handle_types {
            object.require_handle_types(request.handle_types);
        } else {
            object.set_handle_types(request.handle_types);
        }
        if let Some((memfd, offset)) = &request.memory {
            let (high, low) = halves(*offset);
            object.set_memory(memfd.as_fd(), high, low);
        }
        self.terms(&request.terms);
        Ok(())
    }

    /// What the client brings.
    pub fn bring(&self, import: &Import<'_>) {
        self.shape(import.shape);
        if matches!(import.shape, Shape::Image { .. }) {
            let (high, low) = halves(import.modifier);
            self.object.add_modifier(high, low);
        }
        for (index, plane) in (0..).zip(&import.planes) {
            self.object
                .add_plane(plane.fd, index, plane.offset, plane.stride);
        }
        self.terms(&import.terms);
    }

    fn terms(&self, terms: &Terms) {
        let object = &self.object;
        if let Some(usage) = terms.usage {
            object.set_usage(usage);
        }
        if let Some(uuid) = &terms.device {
            object.set_device(uuid.to_ascii_lowercase());
        }
        match terms.lifetime {
            Lifetime::Connection => {}
            Lifetime::UntilReleased => object.set_lifetime(Bound::UntilReleased),
            Lifetime::Lease(seconds) => object.set_lease(seconds),
        }
        if let Some(name) = &terms.name {
            object.set_name(name.clone());
        }
        if let Some(name) = &terms.lasting_name {
            object.set_lasting_name(name.clone());
        }
    }
}
