//! Where the daemon listens: the one rule of docs/protocol.md.

use std::env;
use std::path::{Path, PathBuf};

const SYSTEM: &str = "/run/dmabroker/client.sock";

/// `$DMABROKER_SOCKET`; else the user's own daemon's in `XDG_RUNTIME_DIR`, where there is one; else the system's.
pub fn find_socket() -> PathBuf {
    if let Some(named) = env::var_os("DMABROKER_SOCKET").filter(|named| !named.is_empty()) {
        return named.into();
    }
    // A relative folder is to be ignored (XDG base directories).
    let folder = env::var_os("XDG_RUNTIME_DIR").unwrap_or_default();
    let own = Path::new(&folder).join("dmabroker/client.sock");
    if own.is_absolute() && own.exists() {
        own
    } else {
        SYSTEM.into()
    }
}
