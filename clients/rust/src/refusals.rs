//! The refusals of one object: `long_detail`, where the detail is long, and then the event itself.

use std::os::fd::OwnedFd;

use wayland_client::WEnum;

use crate::error::{Error, Refusal};
use crate::lasting::text_of;
use crate::words::Code;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    whole: Option<String>,
}

impl Refusals {
    /// Where it cannot be read, the short one will do.
    pub fn long_detail(&mut self, fd: OwnedFd, size: u32) {
        self.whole = text_of(fd, size);
    }

    /// A code of a later daemon is `Internal`: the message says what it is about.
    pub fn error(&mut self, code: WEnum<Code>, message: String, detail: String) -> Error {
        let code = code.into_result().unwrap_or(Code::Internal);
        let detail = self.whole.take().unwrap_or(detail);
        Error::Refused(Box::new(Refusal {
            code,
            message,
            detail,
        }))
    }
}
