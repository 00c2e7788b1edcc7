//! `dmabroker_buffer_v1` as the client hears it: what the daemon says of a buffer is gathered until `done`, when it is allocated,
//! imported or redeemed, and again each time that it is re-issued.

use std::sync::{Arc, Mutex, MutexGuard};

use wayland_backend::client::ObjectData;

use crate::broker::bits;
use crate::error::{Ended, Result};
use crate::events::{Event, News};
use crate::gathered::{Gathered, Info};
use crate::hears::{Ear, Hears};
use crate::lasting::{text_of, Committed};
use crate::line::Listeners;
use crate::params::joined;
use crate::protocol::dmabroker_buffer_v1::{DmabrokerBufferV1, Event as Said};
use crate::refusals::Refusals;
use crate::told::{Checked, Description, FellBack, Plane, State, VulkanMemory};
use crate::turns::Turns;
use crate::wire::locked;
use crate::words::usage_bits;

/// A revision that was published, and what was sent with it.
pub(crate) type Publishing = Turns<Result<Committed>>;

#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub state: State,
    /// The answer that has come to the request for the buffer, or for its memory anew.
    pub answer: Option<Result<Description>>,
    /// Answers to renew and park.
    pub leasing: Turns<Result<()>>,
    pub committing: Publishing,
    /// The documents that were sent with them.
    pub sent: std::collections::VecDeque<Option<String>>,
    /// Its place in the queue, where it waits for memory.
    pub place: Option<u32>,
    id: String,
    gathered: Gathered,
    /// Of the `committed` that follows.
    pub document: Option<String>,
    refusals: Refusals,
}

pub(crate) struct BufferObject {
    heard: Mutex<Heard>,
    listeners: Arc<Listeners>,
}

impl BufferObject {
    pub fn new(listeners: Arc<Listeners>) -> Arc<Self> {
        Arc::new(Self {
            heard: Mutex::default(),
            listeners,
        })
    }

    /// For the request that makes the object.
    pub fn ear(self: &Arc<Self>) -> Arc<dyn ObjectData> {
        Ear::<DmabrokerBufferV1, _>::of(self)
    }

    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        locked(&self.heard)
    }
}

impl Hears<DmabrokerBufferV1> for BufferObject {
    fn hear(&self, event: Option<Said>) {
        let mut heard = self.heard();
        let news = heard.hear(event);
        let buffer_id = heard.id.clone();
        drop(heard);
        // Before it is there nobody has it: what comes then is part of its description.
        for news in news.into_iter().filter(|_| !buffer_id.is_empty()) {
            self.listeners.tell(&Event {
                buffer_id: buffer_id.clone(),
                news,
            });
        }
    }
}

impl Heard {
    /// Returns what others are to be told.
    fn hear(&mut self, event: Option<Said>) -> Vec<News> {
        let Some(event) = event else {
            self.answer = Some(Err(Ended::by("the daemon broke the protocol", false).into()));
            return Vec::new();
        };
        match event {
            Said::Info {
                id,
                generation,
                source,
                size_hi,
                size_lo,
                format,
                modifier_hi,
                modifier_lo,
                width,
                height,
                ..
            } => {
                let (size, modifier) = (joined(size_hi, size_lo), joined(modifier_hi, modifier_lo));
                self.gathered.begin(Info {
                    id,
                    generation,
                    source,
                    size,
                    format,
                    modifier,
                    width,
                    height,
                });
            }
            Said::Memory {
                index,
                size_hi,
                size_lo,
            } => {
                let size = joined(size_hi, size_lo);
                self.gathered.memories.insert(index, size);
            }
            Said::Plane {
                fd,
                handle_type,
                plane_idx,
                memory,
                offset,
                stride,
            } => {
                let plane = Plane {
                    fd,
                    memory: memory as usize,
                    offset,
                    stride,
                    further: Vec::new(),
                };
                self.gathered.plane(plane_idx, bits(handle_type), plane);
            }
            Said::Done => self.done(),
            Said::LongDetail { fd, size } => self.refusals.long_detail(fd, size),
            Said::Failed {
                code,
                message,
                detail,
            } => {
                self.place = None;
                self.answer = Some(Err(self.refusals.error(code, message, detail)));
            }
            Said::LeaseRefused {
                code,
                message,
                detail,
            } => {
                let error = self.refusals.error(code, message, detail);
                self.leasing.answer(Err(error));
            }
            Said::CommitRefused {
                code,
                message,
                detail,
            } => {
                let error = self.refusals.error(code, message, detail);
                self.sent.pop_front();
                self.committing.answer(Err(error));
            }
            Said::Metadata { fd, size } => self.document = text_of(fd, size),
            Said::Checked { how, reason } => self.gathered.checked = Some(Checked { how, reason }),
            Said::VulkanMemory {
                memory_type,
                dedicated,
            } => {
                self.gathered.vulkan = Some(VulkanMemory {
                    memory_type,
                    dedicated: dedicated == 1,
                });
            }
            Said::Device { device_uuid } => self.gathered.device = Some(device_uuid),
            Said::Unverified { usage } => {
                self.gathered.unverified = Some(usage_bits(usage));
            }
            Said::FellBack {
                reason,
                source,
                message,
            } => {
                self.gathered.fell_back = Some(FellBack {
                    reason,
                    source: (!source.is_empty()).then_some(source),
                    message,
                });
            }
            Said::Waiting { place } => self.place = Some(place),
            news => return self.news(news),
        }
        Vec::new()
    }

    fn done(&mut self) {
        self.place = None;
        let told = self.gathered.take();
        if let Some(told) = &told {
            self.id.clone_from(&told.id);
        }
        self.answer = Some(told.ok_or_else(|| Ended::by("done before info", false).into()));
    }

    /// For who waits: what has come, once.
    pub fn take_answer(&mut self) -> Option<Result<Description>> {
        self.answer.take()
    }
}
