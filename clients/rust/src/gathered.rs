//! What comes of a buffer between `info` and `done`.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use crate::told::{first_type, Checked, Description, FellBack, Plane, VulkanMemory};
use crate::words::{Fourcc, HandleType, Usage};

/// What `info` has.
#[derive(Debug)]
pub(crate) struct Info {
    pub id: String,
    pub generation: u32,
    pub source: String,
    pub size: u64,
    pub format: u32,
    pub modifier: u64,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Gathered {
    info: Option<Info>,
    pub memories: BTreeMap<u32, u64>,
    planes: BTreeMap<u32, (HandleType, Plane)>,
    // These are told once; a new generation has the same.
    pub device: Option<String>,
    pub checked: Option<Checked>,
    pub vulkan: Option<VulkanMemory>,
    pub unverified: Option<Usage>,
    pub fell_back: Option<FellBack>,
}

impl Gathered {
    /// It begins.
    pub fn begin(&mut self, info: Info) {
        self.info = Some(info);
        self.memories.clear();
        self.planes.clear();
    }

    /// A plane comes once for each kind of fd, all of one kind before those of the next.
    pub fn plane(&mut self, index: u32, kind: HandleType, plane: Plane) {
        let Some((first, known)) = self.planes.get_mut(&index) else {
            self.planes.insert(index, (kind, plane));
            return;
        };
        let is_new = kind != *first && known.further.iter().all(|(each, _)| *each != kind);
        // What a later daemon has beside the first is of no use here.
        if is_new && !kind.is_empty() {
            known.further.push((kind, OwnedFd::from(plane)));
        }
    }

    /// All of it; None without `info`.
    pub fn take(&mut self) -> Option<Description> {
        let planes = std::mem::take(&mut self.planes);
        let memories = std::mem::take(&mut self.memories);
        let info = self.info.take()?;
        let first = planes.values().next();
        let handle_type = first.map_or(HandleType::empty(), |(kind, _)| first_type(*kind));
        let image = info.format != 0;
        Some(Description {
            id: info.id,
            generation: info.generation,
            handle_type,
            source: info.source,
            size: info.size,
            format: image.then_some(Fourcc(info.format)),
            modifier: image.then_some(info.modifier),
            width: image.then_some(info.width),
            height: image.then_some(info.height),
            memories: memories.into_values().collect(),
            planes: planes.into_values().map(|(_, plane)| plane).collect(),
            device: self.device.clone(),
            checked: self.checked.clone(),
            vulkan: self.vulkan,
            unverified_usage: self.unverified.unwrap_or(Usage::empty()),
            fell_back: self.fell_back.clone(),
        })
    }
}
