//! Checks of what a caller gives, made before anything is sent: what is no request is `Error::Invalid`, which begins with the
//! argument's name, and costs nothing. Only what the protocol would end the connection for, or cannot carry, is looked at.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{fstat, FileType};

use crate::error::{Error, Result};
use crate::import::Import;
use crate::request::{Request, Shape, Terms};

const MAX_MODIFIERS: usize = 256;
const MAX_PLANES: usize = 4;
const MAX_NAME: usize = 64;
/// Far longer than a token, a session, an id or a source's name is: no message is longer than 4096 bytes.
pub(crate) const MAX_WORD: usize = 1024;

pub(crate) fn invalid<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(what.into()))
}

pub(crate) fn text(value: &str, name: &str, most: usize) -> Result<()> {
    if value.contains('\0') {
        return invalid(format!("{name} must have no NUL in it"));
    }
    if value.len() > most {
        return invalid(format!(
            "{name} must have at most {most} bytes, and has {}",
            value.len()
        ));
    }
    Ok(())
}

/// A word that there must be.
pub(crate) fn word(value: &str, name: &str) -> Result<()> {
    if value.is_empty() {
        return invalid(format!("{name} must not be empty"));
    }
    text(value, name, MAX_WORD)
}

fn terms(terms: &Terms) -> Result<()> {
    if let Some(name) = &terms.name {
        text(name, "name", MAX_NAME)?;
    }
    if let Some(name) = &terms.lasting_name {
        let letter = |each: u8| each.is_ascii_alphanumeric() || b"._:+/-".contains(&each);
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(letter) {
            let what = "lasting_name must be 1 to 64 ASCII letters, digits and . _ : + / -";
            return invalid(format!("{what}, and is {name:?}"));
        }
    }
    if let Some(uuid) = &terms.device {
        if uuid.len() != 32 || !uuid.bytes().all(|each| each.is_ascii_hexdigit()) {
            return invalid(format!(
                "device must be a UUID of 32 hexadecimal digits, and is {uuid:?}"
            ));
        }
    }
    if terms.usage.is_some_and(|usage| usage.is_empty()) {
        return invalid("usage must have a bit at least");
    }
    Ok(())
}

pub(crate) fn request(request: &Request) -> Result<()> {
    terms(&request.terms)?;
    if request.handle_types.is_empty() {
        return invalid("handle_types must have a bit at least");
    }
    if let Some(source) = &request.source {
        word(source, "source")?;
    }
    if request.modifiers.len() > MAX_MODIFIERS {
        return invalid(format!(
            "modifiers must be at most {MAX_MODIFIERS}, and are {}",
            request.modifiers.len()
        ));
    }
    if request.layout.len() > MAX_PLANES {
        return invalid(format!(
            "layout must have at most {MAX_PLANES} planes, and has {}",
            request.layout.len()
        ));
    }
    if matches!(request.shape, Shape::Linear { .. })
        && !(request.modifiers.is_empty() && request.layout.is_empty())
    {
        return invalid("modifiers and layout are an image's, and this is linear memory");
    }
    match &request.memory {
        Some((memfd, _)) => memory(memfd.as_fd(), "memory"),
        None => Ok(()),
    }
}

pub(crate) fn import(import: &Import<'_>) -> Result<()> {
    terms(&import.terms)?;
    if import.planes.is_empty() || import.planes.len() > MAX_PLANES {
        return invalid(format!(
            "planes must be 1 to {MAX_PLANES}, and are {}",
            import.planes.len()
        ));
    }
    for (index, plane) in import.planes.iter().enumerate() {
        memory(plane.fd, &format!("planes[{index}].fd"))?;
    }
    Ok(())
}

/// The daemon takes a socket for a violation.
fn memory(fd: BorrowedFd<'_>, name: &str) -> Result<()> {
    if FileType::from_raw_mode(fstat(fd)?.st_mode) == FileType::Socket {
        return invalid(format!("{name} must be memory, and is a socket"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::HandleType;

    #[test]
    fn what_is_no_request() {
        let linear = || Request::linear(4096);
        for (wrong, name) in [
            (linear().name("a\0b"), "name"),
            (linear().name("a".repeat(65)), "name"),
            (linear().lasting_name("a b"), "lasting_name"),
            (linear().device("5a"), "device"),
            (linear().handle_types(HandleType::empty()), "handle_types"),
            (linear().source(""), "source"),
            (linear().modifiers([0]), "modifiers"),
            (
                Request::image(1, 1, crate::Fourcc::new(b"XR24")).modifiers(0..257),
                "modifiers",
            ),
            (
                linear().memory(
                    std::os::unix::net::UnixStream::pair()
                        .expect("sockets")
                        .0
                        .into(),
                    0,
                ),
                "memory",
            ),
        ] {
            match request(&wrong) {
                Err(Error::Invalid(what)) => assert!(what.starts_with(name), "{what}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(request(
            &linear()
                .name("a")
                .lasting_name("a/b")
                .device("5A".repeat(16))
        )
        .is_ok());
    }
}
