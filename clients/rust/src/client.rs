//! A connection to the broker. A call returns when the daemon has answered.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::asked::Trial;
use crate::broker::Broker;
use crate::buffer::Buffer;
use crate::checks;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::hears::Ear;
use crate::held::Held;
use crate::import::Import;
use crate::line::Line;
use crate::params::Params;
use crate::pending::Pending;
use crate::protocol::dmabroker_manager_v1::Claim;
use crate::protocol::dmabroker_params_v1::Request as Make;
use crate::protocol::dmabroker_test_v1::DmabrokerTestV1;
use crate::request::{Request, Shape, Terms};
use crate::socket::find_socket;
use crate::told::{Description, Planned};
use crate::wire::locked;
use crate::words::HandleType;

/// How a buffer is claimed by its lasting name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClaimTerms {
    /// As its writer, of which there is one at a time, and who may commit.
    pub writer: bool,
    /// Only when something was committed.
    pub committed: bool,
    /// How long it is waited for, a day at most.
    pub wait: Duration,
}

/// A connection to the broker. Clones are the same one; threads may share it. It ends when all of them and all that has come from
/// them are dropped, or at [`disconnect`](Self::disconnect).
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) line: Arc<Line>,
}

impl Client {
    /// Connects where every client looks: `$DMABROKER_SOCKET`; else the user's own daemon's socket in `XDG_RUNTIME_DIR`, where there
    /// is one; else `/run/dmabroker/client.sock`.
    pub fn connect() -> Result<Self> {
        Self::connect_to(find_socket())
    }

    /// Connects, and waits until the daemon has described itself.
    pub fn connect_to(socket: impl AsRef<Path>) -> Result<Self> {
        Self::open(socket.as_ref(), None, true)
    }

    fn open(socket: &Path, timeout: Option<Duration>, wait: bool) -> Result<Self> {
        Ok(Self {
            line: Line::open(socket, timeout, wait)?,
        })
    }

    /// What the daemon said about itself: devices, sources, limits.
    pub fn broker(&self) -> &Broker {
        &self.line.broker
    }

    /// What proves later that a client is this one's successor: a secret, for [`adopt`](Self::adopt).
    pub fn session(&self) -> &str {
        &self.line.session
    }

    /// For how long a call waits for the daemon's answer; without one for as long as it takes, as it is at first.
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        *locked(&self.line.timeout) = timeout;
    }

    /// Allocates.
    pub fn allocate(&self, request: &Request) -> Result<Buffer> {
        self.begin_allocate(request)?.wait()
    }

    /// The same without waiting for the answer: what was asked for is sent by the next call that waits, or by
    /// [`dispatch`](Self::dispatch).
    pub fn begin_allocate(&self, request: &Request) -> Result<Pending> {
        Ok(Pending::of(
            Held::allocate(&self.line, request)?,
            request.terms.clone(),
        ))
    }

    /// Several equal buffers in one request, for a swapchain, a codec or a ring: all of them, or none.
    pub fn allocate_many(&self, request: &Request, count: usize) -> Result<Vec<Buffer>> {
        let made = Held::allocate_many(&self.line, request, count)?;
        Ok(made
            .into_iter()
            .map(|(held, told)| buffer(held, told, request.terms.clone()))
            .collect())
    }

    /// What [`allocate`](Self::allocate) would give; nothing is allocated.
    pub fn test(&self, request: &Request) -> Result<Planned> {
        checks::request(request)?;
        let line = &self.line;
        let deadline = line.deadline();
        let params = Params::new(line)?;
        params.want(request)?;
        let heard = Trial::of(matches!(request.shape, Shape::Image { .. }));
        let proxy: DmabrokerTestV1 = line.create(
            &params.object,
            Make::Test {},
            Ear::<DmabrokerTestV1, _>::of(&heard),
        )?;
        let answer = heard.wait(line, deadline);
        proxy.destroy();
        answer
    }

    /// Registers dma_bufs that were made elsewhere: they can be shared like any buffer.
    pub fn import(&self, memory: &Import<'_>) -> Result<Buffer> {
        Pending::of(Held::import(&self.line, memory)?, memory.terms.clone()).wait()
    }

    /// Gets a buffer that somebody shared.
    pub fn redeem(&self, token: &str) -> Result<Buffer> {
        let (held, told) = Held::redeem(&self.line, token, None)?;
        Ok(buffer(held, told, Terms::default()))
    }

    /// The same, of memory of several kinds: all of these and no others. Refused (`UnsupportedHandleType`) where the buffer
    /// has not all of them; the token is not used then.
    pub fn redeem_as(&self, token: &str, handle_types: HandleType) -> Result<Buffer> {
        let (held, told) = Held::redeem(&self.line, token, Some(handle_types))?;
        Ok(buffer(held, told, Terms::default()))
    }

    /// Gets a buffer by its lasting name, `NAME`, or `NAME@UID` of another user.
    pub fn claim(&self, name: &str, terms: ClaimTerms) -> Result<Buffer> {
        self.begin_claim(name, terms)?.wait()
    }

    /// The same without waiting for the answer.
    pub fn begin_claim(&self, name: &str, terms: ClaimTerms) -> Result<Pending> {
        let mut how = Claim::empty();
        how.set(Claim::Writer, terms.writer);
        how.set(Claim::Committed, terms.committed);
        Ok(Pending::of(
            Held::claim(&self.line, name, how, terms.wait)?,
            Terms::default(),
        ))
    }

    /// Takes up a buffer of an earlier connection of this user, whose `session` it was: one that was parked, or did not end with its
    /// connection. A daemon that knows nothing of it imports `memory`, under another id.
    pub fn adopt(&self, id: &str, session: &str, memory: Option<&Import<'_>>) -> Result<Buffer> {
        let (held, told) = Held::adopt(&self.line, id, session, memory)?;
        Ok(buffer(
            held,
            told,
            memory.map(|each| each.terms.clone()).unwrap_or_default(),
        ))
    }

    /// Returns when the daemon has taken every request before it, and what it has said before was heard.
    pub fn sync(&self) -> Result<()> {
        self.line.sync(self.line.deadline())
    }

    /// Sends what there is, hears what the daemon has said, and does not wait: when [`as_fd`](AsFd::as_fd) can be read.
    pub fn dispatch(&self) -> Result<()> {
        self.line
            .hear(Some(Duration::ZERO), || None::<()>)
            .map(|_| ())
    }

    /// What happens to this client's buffers from now on.
    pub fn events(&self) -> Events {
        Events::of(&self.line)
    }

    /// After an [`Error::Ended`] that [is a restart](Error::is_restart): tries for so long to connect again, to the same socket.
    /// Take the buffers there by [`Buffer::move_to`] before this client is dropped.
    pub fn reconnect(&self, within: Duration) -> Result<Self> {
        let why = match self.line.over() {
            None => return Ok(self.clone()),
            Some(ended) if !ended.by_daemon => return Err(ended.into()),
            Some(ended) => ended,
        };
        let end = Instant::now() + within;
        let mut pause = Duration::from_millis(10);
        loop {
            // All of a daemon's clients come at the same moment: not at once, and not together.
            std::thread::sleep(pause.mul_f64(jitter()));
            let left = end.saturating_duration_since(Instant::now());
            let timeout = left.max(Duration::from_millis(1));
            let again = Self::open(&self.line.path, Some(timeout), false);
            match again {
                Ok(next) => {
                    next.set_timeout(*locked(&self.line.timeout));
                    return Ok(next);
                }
                Err(error) if !passes(&error) => return Err(error),
                Err(_) if left <= pause => return Err(why.into()),
                Err(_) => pause = Duration::from_secs(1).min(2 * pause),
            }
        }
    }

    /// Ends the connection, whoever still has something of it: buffers bound to it are released, fds and mappings stay good.
    pub fn disconnect(&self) {
        self.line.disconnect();
    }
}

/// For poll(2) and the like: when it can be read, [`Client::dispatch`] hears what there is. Never read or write it.
impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.connection.as_fd()
    }
}

pub(crate) fn buffer(held: Held, told: Description, terms: Terms) -> Buffer {
    Buffer { held, told, terms }
}

/// 0.5 to 1.5, another one each time and in each process.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    0.5 + (random % 1000) as f64 / 1000.0
}

/// Nobody is there yet, or too many are waiting; who may not connect at all is told so.
fn passes(error: &Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, WouldBlock};
    match error {
        Error::System(error) => matches!(error.kind(), NotFound | ConnectionRefused | WouldBlock),
        Error::TimedOut => true,
        other => other.is_restart(),
    }
}
