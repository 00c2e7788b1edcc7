//! Objects of one answer as the client hears them: a dry run, a token, work.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use wayland_client::WEnum;

use crate::broker::bits;
use crate::error::{Ended, Result};
use crate::line::Line;
use crate::params::joined;
use crate::protocol::dmabroker_share_v1::{DmabrokerShareV1, Event as OfShare};
use crate::protocol::dmabroker_test_v1::{DmabrokerTestV1, Event as OfTest};
use crate::protocol::dmabroker_work_v1::{DmabrokerWorkV1, Event as OfWork};
use crate::refusals::Refusals;
use crate::told::{first_type, Planned, PlannedPlane};
use crate::wire::{locked, Hears};
use crate::words::{usage_bits, HandleType, Path, Usage};

/// What was told until now, and the answer when it has come.
#[derive(Debug)]
struct Slot<Told, Answer> {
    told: Told,
    refusals: Refusals,
    answer: Option<Result<Answer>>,
}

/// One who waits for one answer.
#[derive(Debug)]
pub(crate) struct Asked<Told, Answer>(Mutex<Slot<Told, Answer>>);

impl<Told, Answer> Asked<Told, Answer> {
    pub fn new(told: Told) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Slot {
            told,
            refusals: Refusals::default(),
            answer: None,
        })))
    }

    pub fn wait(&self, line: &Line, deadline: Option<Instant>) -> Result<Answer> {
        line.wait(deadline, || locked(&self.0).answer.take())?
    }
}

fn broken<T>() -> Option<Result<T>> {
    Some(Err(Ended::by("the daemon broke the protocol", false).into()))
}

/// A token and its name in lists.
pub(crate) type Sharing = Asked<String, (String, String)>;

impl Hears<DmabrokerShareV1> for Sharing {
    fn hear(&self, event: Option<OfShare>) {
        let mut slot = locked(&self.0);
        match event {
            Some(OfShare::TokenId { id }) => slot.told = id,
            Some(OfShare::Token { token }) => {
                let id = std::mem::take(&mut slot.told);
                slot.answer = Some(Ok((token, id)));
            }
            Some(OfShare::LongDetail { fd, size }) => slot.refusals.long_detail(fd, size),
            Some(OfShare::Failed {
                code,
                message,
                detail,
            }) => {
                slot.answer = Some(Err(slot.refusals.error(code, message, detail)));
            }
            None => slot.answer = broken(),
        }
    }
}

/// Who moved the bytes, and for a read a memfd of them, with its size.
pub(crate) type Done = (WEnum<Path>, Option<(OwnedFd, u64)>);
pub(crate) type Work = Asked<Option<(OwnedFd, u64)>, Done>;

impl Hears<DmabrokerWorkV1> for Work {
    fn hear(&self, event: Option<OfWork>) {
        let mut slot = locked(&self.0);
        match event {
            Some(OfWork::Content {
                fd,
                size_hi,
                size_lo,
            }) => slot.told = Some((fd, joined(size_hi, size_lo))),
            Some(OfWork::Done { path }) => {
                let content = slot.told.take();
                slot.answer = Some(Ok((path, content)));
            }
            Some(OfWork::LongDetail { fd, size }) => slot.refusals.long_detail(fd, size),
            Some(OfWork::Failed {
                code,
                message,
                detail,
            }) => {
                slot.answer = Some(Err(slot.refusals.error(code, message, detail)));
            }
            None => slot.answer = broken(),
        }
    }
}

/// What is gathered of a dry run; whether it is about an image.
pub(crate) type Trial = Asked<(Planned, bool), Planned>;

impl Trial {
    pub fn of(image: bool) -> Arc<Self> {
        let planned = Planned {
            handle_type: HandleType::empty(),
            source: String::new(),
            size: 0,
            modifier: None,
            memories: Vec::new(),
            planes: Vec::new(),
            unverified_usage: Usage::empty(),
        };
        Self::new((planned, image))
    }
}

impl Hears<DmabrokerTestV1> for Trial {
    fn hear(&self, event: Option<OfTest>) {
        let mut slot = locked(&self.0);
        let (planned, image) = &mut slot.told;
        match event {
            Some(OfTest::Possible {
                source,
                size_hi,
                size_lo,
                handle_types,
                modifier_hi,
                modifier_lo,
                ..
            }) => {
                planned.source = source;
                planned.size = joined(size_hi, size_lo);
                planned.handle_type = first_type(bits(handle_types));
                planned.modifier = image.then_some(joined(modifier_hi, modifier_lo));
            }
            Some(OfTest::Memory {
                size_hi, size_lo, ..
            }) => planned.memories.push(joined(size_hi, size_lo)),
            Some(OfTest::PlaneLayout {
                memory,
                offset,
                stride,
                ..
            }) => {
                planned.planes.push(PlannedPlane {
                    memory: memory as usize,
                    offset,
                    stride,
                });
            }
            Some(OfTest::Unverified { usage }) => planned.unverified_usage = usage_bits(usage),
            Some(OfTest::Done) => slot.answer = Some(Ok(slot.told.0.clone())),
            Some(OfTest::LongDetail { fd, size }) => slot.refusals.long_detail(fd, size),
            Some(OfTest::Failed {
                code,
                message,
                detail,
            }) => {
                slot.answer = Some(Err(slot.refusals.error(code, message, detail)));
            }
            None => slot.answer = broken(),
        }
    }
}
