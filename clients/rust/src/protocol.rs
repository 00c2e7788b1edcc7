//! The protocol itself, as wayland-scanner makes it of `protocol/dmabroker-v1.xml`.

#![allow(
    missing_docs,
    non_upper_case_globals,
    unused_imports,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]

use wayland_client;

/// A macro that reads a file is not run anew when that changes; this is.
const _: &[u8] = include_bytes!("../dmabroker-v1.xml");

pub mod __interfaces {
    wayland_scanner::generate_interfaces!("dmabroker-v1.xml");
}
use self::__interfaces::*;

wayland_scanner::generate_client_code!("dmabroker-v1.xml");
