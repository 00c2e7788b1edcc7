//! A buffer that was asked for, whose answer is on its way.

use crate::buffer::Buffer;
use crate::client::buffer;
use crate::error::Result;
use crate::held::Held;
use crate::request::Terms;

/// A buffer that was asked for. Dropped, it is given up: what comes of it is let go of.
#[must_use = "dropped, what was asked for is given up"]
pub struct Pending {
    asked: Option<(Held, Terms)>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Pending {
    pub(crate) fn of(held: Held, terms: Terms) -> Self {
        Self {
            asked: Some((held, terms)),
        }
    }

    /// Waits for it, as long as [`Client::set_timeout`](crate::Client::set_timeout) says from now on.
    pub fn wait(mut self) -> Result<Buffer> {
        let Some((mut held, terms)) = self.asked.take() else {
            return crate::checks::invalid("the answer was taken before");
        };
        let told = held.receive(held.line.deadline())?;
        Ok(buffer(held, told, terms))
    }

    /// The buffer, or why it is refused, once, where that has come; after [`Client::dispatch`](crate::Client::dispatch).
    pub fn taken(&mut self) -> Option<Result<Buffer>> {
        let (held, _) = self.asked.as_mut()?;
        let told = held.look()?;
        let (held, terms) = self.asked.take()?;
        Some(told.map(|told| buffer(held, told, terms)))
    }

    /// Its place in the queue, where it waits for memory ([`Request::wait_ms`](crate::Request::wait_ms)); 1 is the next.
    pub fn place(&self) -> Option<u32> {
        self.asked
            .as_ref()
            .and_then(|(held, _)| held.object.heard().place)
    }
}
