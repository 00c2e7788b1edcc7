//! The protocol's enums, which are the library's own, and their names as REST, the command line and documents have them.

use std::fmt;

use wayland_client::WEnum;

pub use crate::protocol::dmabroker_buffer_v1::{
    FallBack, ImportCheck, RecallReason, ReleaseReason,
};
pub use crate::protocol::dmabroker_manager_v1::{HandleType, Limit, Refusal as Code, Usage};
pub use crate::protocol::dmabroker_params_v1::{Contiguous, Placement};
pub use crate::protocol::dmabroker_work_v1::Path;

/// `DmaBuf` as `dma_buf`.
pub(crate) fn snake(camel: &str) -> String {
    let mut name = String::new();
    for each in camel.chars() {
        if each.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(each.to_ascii_lowercase());
    }
    name
}

/// Of usages those that this library knows (docs/protocol.md, "Versions").
pub(crate) fn usage_bits(value: WEnum<Usage>) -> Usage {
    match value {
        WEnum::Value(bits) => bits,
        WEnum::Unknown(bits) => Usage::from_bits_truncate(bits),
    }
}

macro_rules! named {
    ($($kind:ty),*) => {$(
        impl $kind {
            /// As REST and the documents have it.
            pub fn name(self) -> String {
                snake(&format!("{self:?}"))
            }
        }
    )*};
}
named!(
    Code,
    ImportCheck,
    Limit,
    RecallReason,
    ReleaseReason,
    Contiguous,
    FallBack,
    Placement,
    Path
);

macro_rules! flags {
    ($($kind:ty),*) => {$(
        impl $kind {
            /// As REST and the documents have them.
            pub fn names(self) -> Vec<String> {
                self.iter_names().map(|(name, _)| snake(name)).collect()
            }

            /// The bit of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::all().iter_names().find(|(known, _)| snake(known) == name).map(|(_, bit)| bit)
            }
        }
    )*};
}
flags!(HandleType, Usage);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A DRM fourcc (docs/formats.md): `Fourcc::new(b"XR24")`, or `"XR24".parse()`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fourcc(pub u32);

impl Fourcc {
    /// `fourcc_code` of drm_fourcc.h.
    pub const fn new(characters: &[u8; 4]) -> Self {
        Self(u32::from_le_bytes(*characters))
    }
}

impl std::str::FromStr for Fourcc {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match <&[u8; 4]>::try_from(text.as_bytes()) {
            Ok(four) if four.iter().all(|each| (0x20..0x7f).contains(each)) => Ok(Self::new(four)),
            _ => Err(crate::Error::Invalid(format!(
                "format must be a DRM fourcc, e.g. XR24, and is {text:?}"
            ))),
        }
    }
}

/// The four characters; the number where they are none.
impl fmt::Display for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let four = self.0.to_le_bytes();
        match std::str::from_utf8(&four) {
            Ok(text) if four.iter().all(|each| (0x20..0x7f).contains(each)) => f.write_str(text),
            _ => write!(f, "0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(
            Code::UnsupportedHandleType.name(),
            "unsupported_handle_type"
        );
        assert_eq!(RecallReason::LeaseExpired.name(), "lease_expired");
        assert_eq!(
            (HandleType::DmaBuf | HandleType::Memfd).names(),
            ["dma_buf", "memfd"]
        );
        assert_eq!(Usage::named("cpu_read"), Some(Usage::CpuRead));
        assert_eq!(Usage::named("nothing"), None);
    }

    #[test]
    fn fourccs() {
        assert_eq!("XR24".parse::<Fourcc>().expect("four"), Fourcc(0x3432_5258));
        assert_eq!(Fourcc::new(b"NV12").to_string(), "NV12");
        assert_eq!(Fourcc(1).to_string(), "0x00000001");
        assert!("XR2".parse::<Fourcc>().is_err() && "äR2".parse::<Fourcc>().is_err());
    }
}
