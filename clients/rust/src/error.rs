//! What a call fails with.

use std::{fmt, io};

use crate::json::Value;
use crate::nearest::request_of;
use crate::words::Code;
use crate::Request;

/// What a call fails with. After `Ended` file descriptors and mappings stay good; the others leave the connection as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The daemon refused.
    Refused(Box<Refusal>),
    /// The connection is over.
    Ended(Ended),
    /// What was given is no request, and nothing was sent; the text begins with the argument's name.
    Invalid(String),
    /// No answer within [`Client::set_timeout`](crate::Client::set_timeout): what was asked for is given up.
    TimedOut,
    /// Of the system's: nobody is at the socket, memory cannot be mapped.
    System(io::Error),
}

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The code of a refusal, one of docs/errors.md.
    pub fn code(&self) -> Option<Code> {
        self.refusal().map(|refusal| refusal.code)
    }

    /// What the daemon said, where it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the daemon's end has gone, and may come back: [`Client::reconnect`](crate::Client::reconnect).
    pub fn is_restart(&self) -> bool {
        matches!(
            self,
            Error::Ended(Ended {
                by_daemon: true,
                ..
            })
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => write!(f, "{} ({})", refusal.message, refusal.code),
            Error::Ended(ended) => f.write_str(&ended.message),
            Error::Invalid(what) => f.write_str(what),
            Error::TimedOut => f.write_str("the daemon has not answered in time"),
            Error::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::System(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::System(error)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(error: rustix::io::Errno) -> Self {
        Error::System(error.into())
    }
}

/// What the daemon said when it refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// One of docs/errors.md; of a later daemon's that this library does not know: `Internal`.
    pub code: Code,
    /// A sentence for people.
    pub message: String,
    /// JSON: `constraint`, `requested`, `possible`, `nearest`, `quota`.
    pub detail: String,
}

impl Refusal {
    /// The field or the limit that failed.
    pub fn constraint(&self) -> Option<String> {
        self.member("constraint")?.text().map(str::to_owned)
    }

    /// The nearest request that would succeed, for [`Client::allocate`](crate::Client::allocate).
    pub fn nearest(&self) -> Option<Request> {
        request_of(&self.member("nearest")?)
    }

    fn member(&self, name: &str) -> Option<Value> {
        Value::parse(&self.detail)?.get(name).cloned()
    }
}

/// The end of a connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ended {
    /// A sentence for people.
    pub message: String,
    /// Where the daemon named a violation of the protocol: of which interface.
    pub interface: Option<String>,
    /// And the code of that interface's enum `error`.
    pub code: Option<u32>,
    /// The daemon's end has gone, and it has not said why: it may come back.
    pub by_daemon: bool,
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        Error::Ended(ended)
    }
}

impl Ended {
    pub(crate) fn by(message: impl Into<String>, by_daemon: bool) -> Self {
        Self {
            message: message.into(),
            interface: None,
            code: None,
            by_daemon,
        }
    }
}
