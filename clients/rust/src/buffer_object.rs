//! `dmabroker_buffer_v1` as the client hears it: what the daemon says of a buffer is gathered until `done`, when it is allocated,
//! imported or redeemed, and again each time that it is re-issued.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use wayland_backend::client::ObjectData;

use crate::broker::bits;
use crate::error::{Ended, Result};
use crate::events::{Event, News};
use crate::lasting::{text_of, Committed};
use crate::line::Listeners;
use crate::params::joined;
use crate::protocol::dmabroker_buffer_v1::{DmabrokerBufferV1, Event as Said};
use crate::refusals::Refusals;
use crate::told::{first_type, Checked, Description, FellBack, Plane, State, VulkanMemory};
use crate::turns::Turns;
use crate::wire::{locked, Ear, Hears};
use crate::words::{usage_bits, Fourcc, HandleType, Usage};

/// What `info` has.
#[derive(Debug)]
struct Info {
    id: String,
    generation: u32,
    source: String,
    size: u64,
    format: u32,
    modifier: u64,
    width: u32,
    height: u32,
}

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
    info: Option<Info>,
    memories: BTreeMap<u32, u64>,
    planes: BTreeMap<u32, (HandleType, Plane)>,
    /// Of the `committed` that follows.
    pub document: Option<String>,
    device: Option<String>,
    checked: Option<Checked>,
    vulkan: Option<VulkanMemory>,
    unverified: Option<Usage>,
    fell_back: Option<FellBack>,
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
                self.info = Some(Info {
                    id,
                    generation,
                    source,
                    size,
                    format,
                    modifier,
                    width,
                    height,
                });
                self.memories.clear();
                self.planes.clear();
            }
            Said::Memory {
                index,
                size_hi,
                size_lo,
            } => {
                self.memories.insert(index, joined(size_hi, size_lo));
            }
            Said::Plane {
                fd,
                handle_type,
                plane_idx,
                memory,
                offset,
                stride,
            } => {
                self.plane(
                    fd,
                    bits(handle_type),
                    plane_idx,
                    memory as usize,
                    offset,
                    stride,
                );
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
            Said::Checked { how, reason } => self.checked = Some(Checked { how, reason }),
            Said::VulkanMemory {
                memory_type,
                dedicated,
            } => {
                self.vulkan = Some(VulkanMemory {
                    memory_type,
                    dedicated: dedicated == 1,
                });
            }
            Said::Device { device_uuid } => self.device = Some(device_uuid),
            Said::Unverified { usage } => {
                self.unverified = Some(usage_bits(usage));
            }
            Said::FellBack {
                reason,
                source,
                message,
            } => {
                self.fell_back = Some(FellBack {
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

    fn plane(
        &mut self,
        fd: OwnedFd,
        kind: HandleType,
        index: u32,
        memory: usize,
        offset: u32,
        stride: u32,
    ) {
        match self.planes.get_mut(&index) {
            // Beside the first what a later daemon has is of no use here.
            Some((first, plane)) => {
                if kind != *first
                    && !kind.is_empty()
                    && plane.further.iter().all(|(each, _)| *each != kind)
                {
                    plane.further.push((kind, fd));
                }
            }
            None => {
                let plane = Plane {
                    fd,
                    memory,
                    offset,
                    stride,
                    further: Vec::new(),
                };
                self.planes.insert(index, (kind, plane));
            }
        }
    }

    fn done(&mut self) {
        self.place = None;
        let planes = std::mem::take(&mut self.planes);
        let memories: Vec<u64> = std::mem::take(&mut self.memories).into_values().collect();
        let Some(info) = self.info.take() else {
            self.answer = Some(Err(Ended::by("done before info", false).into()));
            return;
        };
        let handle_type = planes
            .values()
            .next()
            .map_or(HandleType::empty(), |(kind, _)| first_type(*kind));
        let image = info.format != 0;
        self.id.clone_from(&info.id);
        self.answer = Some(Ok(Description {
            id: info.id,
            generation: info.generation,
            handle_type,
            source: info.source,
            size: info.size,
            format: image.then_some(Fourcc(info.format)),
            modifier: image.then_some(info.modifier),
            width: image.then_some(info.width),
            height: image.then_some(info.height),
            memories,
            planes: planes.into_values().map(|(_, plane)| plane).collect(),
            device: self.device.clone(),
            checked: self.checked.clone(),
            vulkan: self.vulkan,
            unverified_usage: self.unverified.unwrap_or(Usage::empty()),
            fell_back: self.fell_back.clone(),
        }));
    }

    /// For who waits: what has come, once.
    pub fn take_answer(&mut self) -> Option<Result<Description>> {
        self.answer.take()
    }
}
