//! A connection: what is asked for goes out, what the daemon says is heard, and who waits for an answer waits here. Several
//! threads may: whoever finds something to read reads it for all (wayland-backend's `ReadEventsGuard`).

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    connect_unix, shutdown, socket_with, AddressFamily, Shutdown, SocketAddrUnix, SocketFlags,
    SocketType,
};
use wayland_backend::client::{Backend, ObjectData, ObjectId, WaylandError};
use wayland_backend::protocol::Message;
use wayland_client::protocol::wl_display;
use wayland_client::{Connection, Proxy};

use crate::error::{Ended, Error, Result};

/// wl_display.error's `implementation`, by which a daemon ends a connection without a violation.
const DISPLAY: u32 = 1;
const IMPLEMENTATION: u32 = 3;

/// What is behind a mutex here is whole between any two statements, whoever has panicked.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Wire {
    pub connection: Connection,
    over: Mutex<Option<Ended>>,
}

impl Wire {
    /// Where too many wait at the socket it is waited for, or not.
    pub fn connect(path: &Path, wait: bool) -> Result<Self> {
        let stream = if wait {
            // A signal ends connect(2), and no connection is being made then.
            loop {
                match UnixStream::connect(path) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    made => break made?,
                }
            }
        } else {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            connect_unix(&socket, &SocketAddrUnix::new(path)?)?;
            UnixStream::from(socket)
        };
        let connection = Connection::from_socket(stream)
            .map_err(|error| Error::Ended(Ended::by(error.to_string(), false)))?;
        Ok(Self {
            connection,
            over: Mutex::new(None),
        })
    }

    pub fn over(&self) -> Option<Ended> {
        locked(&self.over).clone()
    }

    /// Fails where the connection is over.
    pub fn there(&self) -> Result<()> {
        self.over().map_or(Ok(()), |ended| Err(ended.into()))
    }

    /// Fd by fd and byte by byte nothing is lost by this: what was received stays whoever's it is.
    pub fn disconnect(&self) {
        locked(&self.over).get_or_insert_with(|| Ended::by("the client has disconnected", false));
        // One that has gone is what is wanted.
        let _ = shutdown(self.connection.backend().poll_fd(), Shutdown::ReadWrite);
    }

    /// The first reason stays.
    fn end(&self, why: WaylandError) -> Error {
        let ended = match why {
            WaylandError::Io(error) => Ended::by(
                format!("the daemon's end of the connection has gone: {error}"),
                true,
            ),
            WaylandError::Protocol(error) => Ended {
                by_daemon: error.object_id == DISPLAY && error.code == IMPLEMENTATION,
                interface: Some(error.object_interface),
                code: Some(error.code),
                message: format!("protocol error: {}", error.message),
            },
        };
        locked(&self.over).get_or_insert(ended).clone().into()
    }

    /// Sends what there is; whether that was all.
    fn send(&self) -> Result<bool> {
        match self.connection.flush() {
            Ok(()) => Ok(true),
            Err(WaylandError::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.end(error)),
        }
    }

    /// Sends what there is, as far as it goes without waiting.
    pub fn flush(&self) {
        if self.over().is_none() {
            let _ = self.hear(Some(Duration::ZERO), || None::<()>);
        }
    }

    /// Sends all that there is, so that a buffer of 4096 bytes has room for what is asked for next: wayland-backend gives the
    /// connection up where it has not. It waits only where the daemon has not read for so long that the socket is full.
    pub fn make_room(&self, deadline: Option<Instant>) -> Result<()> {
        self.there()?;
        while !self.send()? {
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(Error::TimedOut);
            }
            self.listen(PollFlags::IN | PollFlags::OUT, left, || None::<()>)?;
        }
        Ok(())
    }

    /// Waits until it is so, or the deadline has come.
    pub fn wait<T>(
        &self,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        loop {
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if let Some(value) = self.hear(left, &mut ready)? {
                return Ok(value);
            }
            if left == Some(Duration::ZERO) {
                return Err(Error::TimedOut);
            }
        }
    }

    /// Sends what there is, and hears what has come; waits for that so long, where it is not so already.
    pub fn hear<T>(
        &self,
        timeout: Option<Duration>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>> {
        if let Some(value) = ready() {
            return Ok(Some(value));
        }
        self.there()?;
        // Before it is written: what the daemon has said before it closed its end would not be heard any more.
        self.listen(PollFlags::IN, Some(Duration::ZERO), || None::<()>)?;
        let flags = if self.send()? {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        self.listen(flags, timeout, ready)
    }

    /// One look, after which what has come was heard. What comes while it is looked whether it is so is not missed.
    fn listen<T>(
        &self,
        flags: PollFlags,
        timeout: Option<Duration>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(guard) = self.connection.prepare_read() else {
            return Ok(ready());
        };
        if let Some(value) = ready() {
            return Ok(Some(value));
        }
        // Rounded up: what is not there in time is not looked for again and again.
        let milliseconds = timeout.map_or(-1, |left| {
            i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        let fd = guard.connection_fd();
        let mut fds = [PollFd::new(&fd, flags)];
        match poll(&mut fds, milliseconds) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let readable = fds[0]
            .revents()
            .intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
        // Where there is nothing it is not tried: it would wait for others that wait.
        if readable {
            match guard.read() {
                Err(WaylandError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => {
                    let error = self.end(error);
                    return ready().map(Some).ok_or(error);
                }
                Ok(_) => {}
            }
        }
        Ok(ready())
    }

    /// A request that makes an object, which `heard` hears.
    pub fn create<P: Proxy, I: Proxy>(
        &self,
        from: &P,
        ask: P::Request<'_>,
        heard: Arc<dyn ObjectData>,
    ) -> Result<I> {
        self.there()?;
        from.send_constructor(ask, heard)
            .map_err(|_| Error::Invalid("what this is asked of is closed".into()))
    }

    /// Returns when the daemon has taken every request before it, and what it has said before was heard.
    pub fn sync(&self, deadline: Option<Instant>) -> Result<()> {
        self.make_room(deadline)?;
        let done = Arc::new(Done(AtomicBool::new(false)));
        let ask = wl_display::Request::Sync {};
        self.connection
            .send_request(&self.connection.display(), ask, Some(done.clone()))
            .map_err(|_| Error::Invalid("the connection is closed".into()))?;
        self.wait(deadline, || done.0.load(Ordering::Acquire).then_some(()))
    }
}

struct Done(AtomicBool);

impl ObjectData for Done {
    fn event(
        self: Arc<Self>,
        _: &Backend,
        _: Message<ObjectId, std::os::fd::OwnedFd>,
    ) -> Option<Arc<dyn ObjectData>> {
        self.0.store(true, Ordering::Release);
        None
    }

    fn destroyed(&self, _: ObjectId) {}
}
