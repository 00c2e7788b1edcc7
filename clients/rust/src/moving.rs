//! A buffer's way to another connection, where the first one has ended.

use std::time::Instant;

use crate::buffer::Buffer;
use crate::client::Client;
use crate::error::Result;
use crate::held::Held;
use crate::import::Import;
use crate::request::Lifetime;
use crate::words::HandleType;

/// What a buffer is after [`Buffer::move_to`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// What it was: id, tokens, lease, charge.
    Adopted,
    /// The daemon knew nothing of it, and has imported its memory: under another id, charged to this client, and tokens are to be
    /// made anew.
    Imported,
}

impl Buffer {
    /// Takes it to another connection, where the first one has ended ([`Client::reconnect`]): it stays the same memory with the
    /// same fds. Refused, it is gone, and its fds and mappings stay good all the same.
    pub fn move_to(&mut self, client: &Client) -> Result<Moved> {
        let session = self.line().session.clone();
        let brought = self.brought();
        let (held, told) = Held::adopt(&client.line, &self.told.id, &session, brought.as_ref())?;
        drop(brought);
        self.held = held;
        if told.id == self.told.id {
            // Where it was re-issued meanwhile its planes are still those that it has: `reissue` gets the new ones.
            return Ok(Moved::Adopted);
        }
        let mut own = std::mem::replace(&mut self.told, told).planes.into_iter();
        for plane in &mut self.told.planes {
            if let Some(own) = own.next() {
                plane.fd = own.fd;
                plane.further = own.further;
            }
        }
        Ok(Moved::Imported)
    }

    /// Its memory, for a daemon that does not have it (any more).
    fn brought(&self) -> Option<Import<'_>> {
        if self.told.handle_type != HandleType::DmaBuf && self.told.handle_type != HandleType::Memfd
        {
            return None;
        }
        let mut terms = self.terms.clone();
        if let Some(ends) = self.state().lease_ends {
            let left = ends
                .saturating_duration_since(Instant::now())
                .as_secs_f64()
                .ceil();
            terms.lifetime = Lifetime::Lease((left as u32).clamp(1, 86_400));
        }
        terms.name = None;
        terms.device.clone_from(&self.told.device);
        Some(Import::of(&self.told, terms))
    }
}
