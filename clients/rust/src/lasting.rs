//! Memory with a lasting name: what a writer publishes of it, how that goes as a document in a sealed memfd, and documents and
//! long texts that come so.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{fcntl_add_seals, memfd_create, MemfdFlags, SealFlags};
use sha2::{Digest, Sha256};

use crate::checks::invalid;
use crate::error::Result;
use crate::told::Description;

const MAX_METADATA: usize = 65_536;
const MAX_LONG_TEXT: u64 = 1 << 20;

/// A revision of a buffer's content, as its writer has published it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// Grows.
    pub revision: u64,
    /// SHA-256 of the memory's layout: what [`Buffer::layout_digest`](crate::Buffer::layout_digest) makes of it, or it is not what
    /// was told.
    pub digest: String,
}

/// A memfd of it that nobody can change.
pub(crate) fn sealed(json: &str) -> Result<OwnedFd> {
    if json.len() > MAX_METADATA {
        return invalid(format!(
            "metadata has {} bytes, and {MAX_METADATA} at most",
            json.len()
        ));
    }
    let memfd = memfd_create(
        "dmabroker-metadata",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )?;
    let mut file = File::from(memfd);
    file.write_all(json.as_bytes())?;
    fcntl_add_seals(
        &file,
        SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
    )?;
    Ok(file.into())
}

/// A text that came as a memfd of that size; None where it is none.
pub(crate) fn text_of(fd: OwnedFd, size: u32) -> Option<String> {
    let content = content_of(fd, u64::from(size), MAX_LONG_TEXT).ok()?;
    String::from_utf8(content).ok()
}

/// What is in a memfd of that size. What is no file of that size could be read for ever, or not at all.
pub(crate) fn content_of(fd: OwnedFd, size: u64, most: u64) -> io::Result<Vec<u8>> {
    let file = File::from(fd);
    let about = file.metadata()?;
    if !about.is_file() || about.len() != size || size > most {
        return Err(io::Error::other(
            "what came is no file of the size that was told",
        ));
    }
    let length = usize::try_from(size).map_err(io::Error::other)?;
    let mut content = Vec::new();
    content.try_reserve_exact(length)?;
    content.resize(length, 0);
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

/// The digest that `committed` has, of the layout that the buffer was told to have.
pub(crate) fn layout_digest(told: &Description) -> String {
    let (format, modifier) = (
        told.format.map_or(0, |each| each.0),
        told.modifier.unwrap_or(0),
    );
    let (width, height) = (told.width.unwrap_or(0), told.height.unwrap_or(0));
    let mut lines = format!(
        "dmabroker-layout-1\nsize {} format {format} modifier {modifier} width {width} height {height}\n",
        told.size
    );
    for (index, size) in told.memories.iter().enumerate() {
        lines += &format!("memory {index} {size}\n");
    }
    for (index, plane) in told.planes.iter().enumerate() {
        lines += &format!(
            "plane {index} {} {} {}\n",
            plane.memory, plane.offset, plane.stride
        );
    }
    let digits = Sha256::digest(lines)
        .into_iter()
        .flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_goes_and_comes() {
        let fd = sealed("{\"a\":1}").expect("a memfd");
        assert!(
            File::from(fd.try_clone().expect("a duplicate"))
                .write_all(b"x")
                .is_err(),
            "it is sealed"
        );
        assert_eq!(text_of(fd, 7).as_deref(), Some("{\"a\":1}"));
        assert_eq!(text_of(sealed("abc").expect("a memfd"), 4), None);
        assert!(sealed(&"x".repeat(65_537)).is_err());
        let endless = File::open("/dev/zero").expect("a file");
        assert_eq!(text_of(endless.into(), 0), None);
    }
}
