//! A buffer in the hands of a client: what it can be asked for. What it is, is in its [`Description`].

use std::os::fd::AsFd;
use std::sync::Arc;

use wayland_client::Proxy;

use crate::asked::Sharing;
use crate::buffer_object::Heard;
use crate::checks::invalid;
use crate::error::{Error, Result};
use crate::held::Held;
use crate::lasting::{layout_digest, sealed, Committed};
use crate::line::Line;
use crate::mapping::Mapping;
use crate::params::halves;
use crate::protocol::dmabroker_buffer_v1::Request as Ask;
use crate::protocol::dmabroker_share_v1::DmabrokerShareV1;
use crate::request::Terms;
use crate::share::{Share, ShareTerms};
use crate::told::{Description, State};
use crate::turns::{Turn, Turns};
use crate::wire::Ear;
use crate::words::HandleType;

/// Memory of the broker's. Dropped, its fds are closed, and the daemon is told that nobody has it here any more: where this client
/// owns it and its lifetime is the connection's, the broker lets go of it. Mappings, and clones of its fds, stay good.
///
/// It derefs to its [`Description`]: `buffer.id`, `buffer.planes[0].fd`.
pub struct Buffer {
    pub(crate) held: Held,
    pub(crate) told: Description,
    /// What was asked for has what the daemon does not tell: for a daemon that imports the memory after its restart.
    pub(crate) terms: Terms,
}

impl std::ops::Deref for Buffer {
    type Target = Description;

    fn deref(&self) -> &Description {
        &self.told
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Buffer").field(&self.told).finish()
    }
}

impl Buffer {
    /// What has become of it, as far as the client has heard: it hears while it is in a call, in
    /// [`Client::dispatch`](crate::Client::dispatch) and in [`Events::next_within`](crate::Events::next_within).
    pub fn state(&self) -> State {
        self.held.object.heard().state.clone()
    }

    /// The digest that [`Committed`] has, of the layout that this buffer was told to have.
    pub fn layout_digest(&self) -> String {
        layout_digest(&self.told)
    }

    /// Maps a memory, for reading and writing; most buffers have one, 0. Fails for an opaque_fd, which only a driver can read.
    pub fn map(&self, memory: usize) -> Result<Mapping> {
        self.mapped(memory, true)
    }

    /// The same for reading alone.
    pub fn map_read_only(&self, memory: usize) -> Result<Mapping> {
        self.mapped(memory, false)
    }

    fn mapped(&self, memory: usize, writable: bool) -> Result<Mapping> {
        let kind = self.told.handle_type;
        if kind != HandleType::DmaBuf && kind != HandleType::Memfd {
            return invalid(format!(
                "memory of type {} cannot be mapped",
                kind.names().concat()
            ));
        }
        let plane = self.told.planes.iter().find(|plane| plane.memory == memory);
        match (plane, self.told.memories.get(memory)) {
            (Some(plane), Some(size)) => {
                Mapping::new(plane.as_fd(), *size, writable, kind == HandleType::DmaBuf)
            }
            _ => invalid(format!("memory: there is none of number {memory}")),
        }
    }

    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.held.line
    }

    /// A token with which others redeem the buffer.
    pub fn share(&self, terms: ShareTerms) -> Result<Share> {
        let ask = terms.request()?;
        let line = self.line();
        line.make_room()?;
        let heard = Sharing::new(String::new());
        let proxy: DmabrokerShareV1 = line.create(
            &self.held.proxy,
            ask,
            Ear::<DmabrokerShareV1, _>::of(&heard),
        )?;
        match heard.wait(line, line.deadline()) {
            Ok((token, token_id)) => Ok(Share::new(line, proxy, token, token_id)),
            Err(error) => {
                // Given up: nobody will know the token.
                if error.refusal().is_none() {
                    proxy.revoke();
                }
                proxy.destroy();
                Err(error)
            }
        }
    }

    /// Has the lease end so many seconds from now, or later where it would have.
    pub fn renew(&self, seconds: u32) -> Result<()> {
        self.lease(Ask::Renew { seconds })
    }

    /// Gives it a lease in place of its lifetime: for a process that ends, whose successor adopts it
    /// ([`Client::adopt`](crate::Client::adopt)).
    pub fn park(&self, seconds: u32) -> Result<()> {
        self.lease(Ask::Park { seconds })
    }

    fn lease(&self, ask: Ask<'_>) -> Result<()> {
        self.line().make_room()?;
        let turn = {
            let mut heard = self.held.object.heard();
            self.send(ask)?;
            heard.leasing.ask()
        };
        self.turn(turn, |heard| &mut heard.leasing)
    }

    /// Waits for one of the answers that come in the order of the requests.
    fn turn<T>(&self, turn: Turn, of: fn(&mut Heard) -> &mut Turns<Result<T>>) -> Result<T> {
        let answer = self.line().wait(self.line().deadline(), || {
            of(&mut self.held.object.heard()).take(turn)
        });
        if answer.is_err() {
            of(&mut self.held.object.heard()).forget(turn);
        }
        answer?
    }

    fn send(&self, ask: Ask<'_>) -> Result<()> {
        let sent = self.held.proxy.send_request(ask);
        sent.map_err(|_| Error::Invalid("the buffer is closed".into()))
    }

    /// Tells everybody who has the buffer that there is new content: of a revision above the last (0: the next one), with a
    /// document of what is where, a JSON object of at most 64 KiB (without one that of before stays). For its writer.
    pub fn commit(&self, revision: u64, metadata: Option<&str>) -> Result<Committed> {
        self.line().make_room()?;
        let document = metadata.map(sealed).transpose()?;
        let (revision_hi, revision_lo) = halves(revision);
        let turn = {
            let mut heard = self.held.object.heard();
            if let (Some(fd), Some(text)) = (&document, metadata) {
                let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
                self.held.proxy.set_metadata(fd.as_fd(), size);
            }
            self.send(Ask::Commit {
                revision_hi,
                revision_lo,
            })?;
            heard.sent.push_back(metadata.map(str::to_owned));
            heard.committing.ask()
        };
        self.turn(turn, |heard| &mut heard.committing)
    }

    /// Replaces memory that was lost: its planes are new, and mappings of the old memory stay what they are.
    pub fn reissue(&mut self) -> Result<()> {
        self.line().make_room()?;
        // Of one that was given up: its memory is this generation's, too, or older.
        self.held.object.heard().answer = None;
        self.send(Ask::Reissue {})?;
        let deadline = self.line().deadline();
        self.told = self.held.receive(deadline)?;
        self.held.object.heard().state.lost = false;
        Ok(())
    }

    /// Drops it, and returns when the daemon has taken that.
    pub fn close(self) -> Result<()> {
        let line = self.line().clone();
        drop(self);
        line.sync(line.deadline())
    }

    /// The same, and the daemon lets go of it, whatever its lifetime, if this client owns it.
    pub fn release(mut self) -> Result<()> {
        self.held.unclaimed = true;
        self.close()
    }

    /// Its fds alone, once the daemon was told as by dropping it.
    pub fn into_description(self) -> Description {
        let Self { held, told, .. } = self;
        drop(held);
        told
    }
}
