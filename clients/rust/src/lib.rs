#![doc = include_str!("../README.md")]

mod asked;
mod broker;
mod buffer;
mod buffer_object;
mod checks;
mod client;
mod error;
mod events;
mod gathered;
mod hears;
mod held;
mod import;
mod json;
mod lasting;
mod line;
mod mapping;
mod moving;
mod nearest;
mod news;
mod params;
mod pending;
mod protocol;
mod refusals;
mod request;
mod share;
mod socket;
mod told;
mod turns;
mod wire;
mod words;
mod work;

pub use broker::{Broker, Device, Source};
pub use buffer::Buffer;
pub use client::{ClaimTerms, Client};
pub use error::{Ended, Error, Refusal, Result};
pub use events::{Event, Events, News, Recall};
pub use import::{BroughtPlane, Import};
pub use lasting::Committed;
pub use mapping::{Mapping, Reading, Writing};
pub use moving::Moved;
pub use pending::Pending;
pub use request::{Alignment, Lifetime, PlaneLayout, Request};
pub use share::{Share, ShareTerms};
pub use socket::find_socket;
pub use told::{Checked, Description, FellBack, Plane, Planned, PlannedPlane, State, VulkanMemory};
pub use wayland_client::WEnum;
pub use words::{
    Code, Contiguous, FallBack, Fourcc, HandleType, ImportCheck, Limit, Path, Placement,
    RecallReason, ReleaseReason, Usage,
};
pub use work::Content;
