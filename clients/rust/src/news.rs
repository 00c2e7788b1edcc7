//! What becomes of a buffer once it is there, as its object hears it.

use std::time::{Duration, Instant};

use wayland_client::WEnum;

use crate::buffer_object::Heard;
use crate::events::{News, Recall};
use crate::lasting::Committed;
use crate::params::joined;
use crate::protocol::dmabroker_buffer_v1::Event as Said;
use crate::words::RecallReason;

impl Heard {
    /// Returns what others are to be told.
    pub fn news(&mut self, event: Said) -> Vec<News> {
        let state = &mut self.state;
        match event {
            Said::Released { reason } => {
                state.released = Some(reason);
                vec![News::Released(reason)]
            }
            Said::Recall {
                reason: WEnum::Value(RecallReason::Withdrawn),
                ..
            } => {
                state.recalled = None;
                vec![News::RecallWithdrawn]
            }
            Said::Recall { reason, seconds } => {
                let deadline = Instant::now() + Duration::from_secs(seconds.into());
                let recall = Recall { reason, deadline };
                state.recalled = Some(recall);
                vec![News::Recalled(recall)]
            }
            Said::Lease { seconds, answer } => {
                state.lease_ends = Some(Instant::now() + Duration::from_secs(seconds.into()));
                let mut news = vec![News::Leased];
                if state
                    .recalled
                    .is_some_and(|recall| recall.reason == WEnum::Value(RecallReason::LeaseExpired))
                {
                    state.recalled = None;
                    news.push(News::RecallWithdrawn);
                }
                if answer == 1 {
                    self.leasing.answer(Ok(()));
                }
                news
            }
            Said::Lost { .. } => {
                state.lost = true;
                state.committed = None;
                state.metadata = None;
                vec![News::Lost]
            }
            Said::Reissued { .. } => vec![News::Reissued],
            Said::Committed {
                revision_hi,
                revision_lo,
                digest,
                answer,
            } => self.committed(
                Committed {
                    revision: joined(revision_hi, revision_lo),
                    digest,
                },
                answer == 1,
            ),
            _ => Vec::new(),
        }
    }

    fn committed(&mut self, committed: Committed, is_answer: bool) -> Vec<News> {
        let mut document = self.document.take();
        let answers = is_answer && self.committing.is_waiting();
        if answers {
            // Its own document nobody sends back, and without one that of before stays.
            document = self
                .sent
                .pop_front()
                .flatten()
                .or_else(|| self.state.metadata.take());
        }
        let before = self.state.committed.replace(committed.clone());
        self.state.metadata = document;
        let is_news = before.is_none_or(|before| before.revision != committed.revision);
        if answers {
            self.committing.answer(Ok(committed.clone()));
        }
        is_news
            .then_some(News::Committed(committed))
            .into_iter()
            .collect()
    }
}
