//! What the daemon does with a buffer's bytes: for memory that this process cannot map, too.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use wayland_client::WEnum;

use crate::asked::{Done, Work};
use crate::buffer::Buffer;
use crate::checks::invalid;
use crate::error::{Ended, Result};
use crate::lasting::content_of;
use crate::params::halves;
use crate::protocol::dmabroker_manager_v1::Request as Manage;
use crate::protocol::dmabroker_work_v1::DmabrokerWorkV1;
use crate::wire::Ear;
use crate::words::Path;

/// What was read, and who did it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The device, or the CPU.
    pub path: WEnum<Path>,
}

impl Buffer {
    /// Has the daemon write a value all over the range (`..`: all of it).
    pub fn fill(&self, value: u32, range: impl RangeBounds<u64>) -> Result<WEnum<Path>> {
        self.work(range, |work| work.fill(value))
            .map(|(path, _)| path)
    }

    /// Has the daemon copy linear memory, from that offset of the source to this range; or an image (`0`, `..`) of the same format,
    /// width and height.
    pub fn copy_from(
        &self,
        source: &Buffer,
        source_offset: u64,
        range: impl RangeBounds<u64>,
    ) -> Result<WEnum<Path>> {
        if !Arc::ptr_eq(self.line(), source.line()) {
            return invalid("source: the buffers are of different clients");
        }
        let (high, low) = halves(source_offset);
        let copy = |work: &DmabrokerWorkV1| {
            work.set_source_offset(high, low);
            work.copy(&source.held.proxy);
        };
        self.work(range, copy).map(|(path, _)| path)
    }

    /// The content as it is now, read by the daemon: of memory that this process cannot map, too.
    pub fn read(&self, range: impl RangeBounds<u64>) -> Result<Content> {
        let (path, content) = self.work(range, DmabrokerWorkV1::read)?;
        match content {
            Some((fd, size)) => Ok(Content {
                bytes: content_of(fd, size, u64::MAX)?,
                path,
            }),
            None => Err(Ended::by("done before content", false).into()),
        }
    }

    fn work(
        &self,
        range: impl RangeBounds<u64>,
        ask: impl FnOnce(&DmabrokerWorkV1),
    ) -> Result<Done> {
        let (offset, size) = bounds(range)?;
        let line = self.line();
        line.make_room()?;
        let heard = Work::new(None);
        let make = Manage::CreateWork {
            buffer: self.held.proxy.clone(),
        };
        let proxy: DmabrokerWorkV1 =
            line.create(&line.manager, make, Ear::<DmabrokerWorkV1, _>::of(&heard))?;
        let (high, low) = halves(offset);
        proxy.set_offset(high, low);
        let (high, low) = halves(size);
        proxy.set_size(high, low);
        ask(&proxy);
        let answer = heard.wait(line, line.deadline());
        proxy.destroy();
        answer
    }
}

/// The offset and the size of a range, 0 for all that follows.
fn bounds(range: impl RangeBounds<u64>) -> Result<(u64, u64)> {
    let begin = match range.start_bound() {
        Bound::Included(begin) => *begin,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => return Ok((begin, 0)),
    };
    match end.checked_sub(begin) {
        Some(size) if size > 0 => Ok((begin, size)),
        _ => invalid(format!("range: there is nothing from {begin} to {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn ranges() {
        assert_eq!(bounds(..).expect("all"), (0, 0));
        assert_eq!(bounds(4096..).expect("the rest"), (4096, 0));
        assert_eq!(bounds(4..12).expect("a part"), (4, 8));
        assert_eq!(bounds(4..=11).expect("a part"), (4, 8));
        assert!(bounds(4..4).is_err(), "0 is not all");
    }
}
