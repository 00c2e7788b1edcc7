//! What becomes of buffers, for who listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wayland_client::WEnum;

use crate::error::{Error, Result};
use crate::lasting::Committed;
use crate::line::Line;
use crate::wire::locked;
use crate::words::{RecallReason, ReleaseReason};

/// Something has become of a buffer; [`Buffer::state`](crate::Buffer::state) has it as it is now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// Of which.
    pub buffer_id: String,
    /// What.
    pub news: News,
}

/// What has become of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum News {
    /// The broker has let go of it. Its fds stay good.
    Released(WEnum<ReleaseReason>),
    /// The broker asks for it back.
    Recalled(Recall),
    /// It may be kept after all.
    RecallWithdrawn,
    /// When its lease ends has changed.
    Leased,
    /// The device was lost, and what the memory holds is undefined: [`Buffer::reissue`](crate::Buffer::reissue).
    Lost,
    /// It has memory again: `reissue` gets it.
    Reissued,
    /// Its writer has published a revision.
    Committed(Committed),
}

/// The broker asks for a buffer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recall {
    /// A number where it is one of a later daemon's.
    pub reason: WEnum<RecallReason>,
    /// Until when it is waited for.
    pub deadline: Instant,
}

/// What one listener has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<VecDeque<Event>>);

impl Queue {
    pub fn push(&self, event: Event) {
        locked(&self.0).push_back(event);
    }
}

/// What happens to a client's buffers from [`Client::events`](crate::Client::events) on.
#[derive(Debug)]
pub struct Events {
    line: Arc<Line>,
    queue: Arc<Queue>,
}

impl Events {
    pub(crate) fn of(line: &Arc<Line>) -> Self {
        let queue = Arc::default();
        line.listeners().add(&queue);
        Self {
            line: line.clone(),
            queue,
        }
    }

    /// What was heard, without waiting and without looking for more: after [`Client::dispatch`](crate::Client::dispatch).
    pub fn heard(&self) -> Option<Event> {
        locked(&self.queue.0).pop_front()
    }

    /// Waits for the next one; None when nothing has come for so long (without a time: never).
    pub fn next_within(&self, time: Option<Duration>) -> Result<Option<Event>> {
        match self
            .line
            .wait(time.map(|each| Instant::now() + each), || self.heard())
        {
            Ok(event) => Ok(Some(event)),
            Err(Error::TimedOut) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
