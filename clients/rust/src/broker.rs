//! What the daemon says about itself when a connection is made.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use wayland_backend::client::ObjectData;
use wayland_client::WEnum;

use crate::error::Result;
use crate::params::joined;
use crate::protocol::dmabroker_manager_v1::{DmabrokerManagerV1, Event as Said, Limit};
use crate::wire::{locked, Ear, Hears, Wire};
use crate::words::HandleType;

/// A Vulkan device of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// VkPhysicalDeviceProperties::deviceName.
    pub name: String,
    /// Which names it in requests.
    pub device_uuid: String,
    /// VkPhysicalDeviceIDProperties::driverUUID.
    pub driver_uuid: String,
    /// dev_t of its DRM node.
    pub main_device: Option<u64>,
}

/// A memory source of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// `vulkan`, `dma-heap:system`, `udmabuf`, `memfd`.
    pub name: String,
    /// Empty where it is one of a later daemon's, which this library does not know.
    pub handle_type: HandleType,
    /// Whether it can be allocated from.
    pub usable: bool,
    /// Why it is not usable, or what it is.
    pub reason: String,
}

/// What the daemon said about itself when the connection was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broker {
    /// The main one first.
    pub devices: Vec<Device>,
    /// What memory can come from.
    pub sources: Vec<Source>,
    /// What this connection may have at most.
    pub limits: Vec<(Limit, u64)>,
}

impl Broker {
    /// Which kinds of fd this daemon can export.
    pub fn handle_types(&self) -> HandleType {
        let usable = self.sources.iter().filter(|source| source.usable);
        usable.fold(HandleType::empty(), |all, source| all | source.handle_type)
    }

    /// What a limit is, where the daemon has said so.
    pub fn limit(&self, what: Limit) -> Option<u64> {
        self.limits
            .iter()
            .find(|(known, _)| *known == what)
            .map(|(_, value)| *value)
    }
}

/// What was told until now, and whether that was all.
#[derive(Default)]
pub(crate) struct Finding(Mutex<(Broker, String, bool)>);

impl Hears<DmabrokerManagerV1> for Finding {
    fn hear(&self, event: Option<Said>) {
        let mut told = locked(&self.0);
        let broker = &mut told.0;
        match event {
            Some(Said::Device {
                name,
                device_uuid,
                driver_uuid,
                main_device_hi,
                main_device_lo,
            }) => {
                let node = joined(main_device_hi, main_device_lo);
                broker.devices.push(Device {
                    name,
                    device_uuid,
                    driver_uuid,
                    main_device: (node != 0).then_some(node),
                });
            }
            Some(Said::Source {
                name,
                handle_type,
                usable,
                reason,
            }) => {
                let handle_type = bits(handle_type);
                broker.sources.push(Source {
                    name,
                    handle_type,
                    usable: usable == 1,
                    reason,
                });
            }
            Some(Said::Limit {
                what: WEnum::Value(what),
                value_hi,
                value_lo,
            }) => {
                broker.limits.push((what, joined(value_hi, value_lo)));
            }
            Some(Said::Session { token }) => told.1 = token,
            Some(Said::Done) => told.2 = true,
            _ => {}
        }
    }
}

/// Of bits those that this library knows.
pub(crate) fn bits(value: WEnum<HandleType>) -> HandleType {
    match value {
        WEnum::Value(bits) => bits,
        WEnum::Unknown(bits) => HandleType::from_bits_truncate(bits),
    }
}

impl Finding {
    /// For the request that binds the manager.
    pub fn ear(self: &Arc<Self>) -> Arc<dyn ObjectData> {
        Ear::<DmabrokerManagerV1, _>::of(self)
    }

    /// All of it, with the session.
    pub fn wait(&self, wire: &Wire, deadline: Option<Instant>) -> Result<(Broker, String)> {
        wire.wait(deadline, || {
            let mut told = locked(&self.0);
            told.2
                .then(|| (std::mem::take(&mut told.0), std::mem::take(&mut told.1)))
        })
    }
}
