//! Tokens, with which other processes redeem a buffer.

use std::sync::Arc;

use wayland_client::WEnum;

use crate::checks::invalid;
use crate::error::{Ended, Result};
use crate::line::Line;
use crate::protocol::dmabroker_buffer_v1::Request as Ask;
use crate::protocol::dmabroker_share_v1::{DmabrokerShareV1, Right};

/// What a token is good for; by default once, for anybody, for as long as the buffer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareTerms {
    /// How often it can be redeemed.
    pub uses: u32,
    /// The only user who may redeem it.
    pub uid: Option<u32>,
    /// For how long.
    pub seconds: Option<u32>,
    /// Whether who redeems it may renew the buffer's lease.
    pub may_renew: bool,
}

impl Default for ShareTerms {
    fn default() -> Self {
        Self {
            uses: 1,
            uid: None,
            seconds: None,
            may_renew: false,
        }
    }
}

impl ShareTerms {
    /// As it is sent.
    pub(crate) fn request(self) -> Result<Ask<'static>> {
        if self.uses == 0 || self.seconds == Some(0) {
            return invalid("uses and seconds must be 1 at least");
        }
        if self.uid == Some(u32::MAX) {
            return invalid("uid must be a user's, and 4294967295 stands for anybody");
        }
        let rights = if self.may_renew {
            Right::Renew
        } else {
            Right::empty()
        };
        Ok(Ask::Share {
            uses: self.uses,
            uid: self.uid.unwrap_or(u32::MAX),
            seconds: self.seconds.unwrap_or(0),
            rights: WEnum::Value(rights),
        })
    }
}

/// A token. It stays good when this is dropped.
pub struct Share {
    /// A secret: give it to the other process in your own way.
    pub token: String,
    /// How lists name it; no secret.
    pub token_id: String,
    link: Link,
}

/// The daemon's object, of which it is told that nobody has it any more.
struct Link {
    line: Arc<Line>,
    proxy: DmabrokerShareV1,
}

/// Without the token.
impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share")
            .field("token_id", &self.token_id)
            .finish_non_exhaustive()
    }
}

impl Share {
    pub(crate) fn new(
        line: &Arc<Line>,
        proxy: DmabrokerShareV1,
        token: String,
        token_id: String,
    ) -> Self {
        Self {
            token,
            token_id,
            link: Link {
                line: line.clone(),
                proxy,
            },
        }
    }

    /// Ends the token. Who has redeemed it keeps what was received.
    pub fn revoke(self) -> Result<()> {
        let line = self.link.line.clone();
        if line.over().is_some() {
            let why = format!(
                "the connection that made the token {} is over",
                self.token_id
            );
            return Err(Ended::by(why, false).into());
        }
        self.link.proxy.revoke();
        drop(self);
        line.sync(line.deadline())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.line.make_room().is_ok() {
            self.proxy.destroy();
            self.line.flush();
        }
    }
}
