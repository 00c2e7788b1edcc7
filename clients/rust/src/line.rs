//! One connection with its manager.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use wayland_backend::client::ObjectData;
use wayland_client::protocol::{wl_display, wl_registry};
use wayland_client::Proxy;

use crate::broker::{Broker, Finding};
use crate::error::{Ended, Error, Result};
use crate::events::{Event, Queue};
use crate::protocol::dmabroker_manager_v1::DmabrokerManagerV1;
use crate::protocol::dmabroker_params_v1::{DmabrokerParamsV1, Event as Nothing};
use crate::wire::{locked, Ear, Hears, Wire};

/// The number of the global, where there is one.
#[derive(Default)]
struct Globals(Mutex<Option<u32>>);

impl Hears<wl_registry::WlRegistry> for Globals {
    fn hear(&self, event: Option<wl_registry::Event>) {
        if let Some(wl_registry::Event::Global {
            name, interface, ..
        }) = event
        {
            if interface == DmabrokerManagerV1::interface().name {
                locked(&self.0).get_or_insert(name);
            }
        }
    }
}

/// An object without events.
struct Deaf;

impl Hears<DmabrokerParamsV1> for Deaf {
    fn hear(&self, event: Option<Nothing>) {
        if let Some(nothing) = event {
            match nothing {}
        }
    }
}

pub(crate) struct Line {
    pub wire: Wire,
    pub manager: DmabrokerManagerV1,
    pub broker: Broker,
    /// A secret.
    pub session: String,
    pub path: PathBuf,
    pub timeout: Mutex<Option<Duration>>,
    listeners: Arc<Listeners>,
}

impl std::ops::Deref for Line {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.wire
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Line {
    /// Connects, binds the manager, waits for its description.
    pub fn open(path: &Path, timeout: Option<Duration>) -> Result<Arc<Self>> {
        let deadline = timeout.map(|each| Instant::now() + each);
        let wire = Wire::connect(path)?;
        let globals = Arc::new(Globals::default());
        let ask = wl_display::Request::GetRegistry {};
        let display = wire.connection.display();
        let registry: wl_registry::WlRegistry = wire.create(
            &display,
            ask,
            Ear::<wl_registry::WlRegistry, _>::of(&globals),
        )?;
        wire.sync(deadline)?;
        let interface = DmabrokerManagerV1::interface();
        let Some(name) = *locked(&globals.0) else {
            let why = format!("there is no {} at {}", interface.name, path.display());
            return Err(Ended::by(why, false).into());
        };
        let finding = Arc::new(Finding::default());
        let ask = wl_registry::Request::Bind {
            name,
            id: (interface, 1),
        };
        let manager = wire.create(&registry, ask, finding.ear())?;
        let (broker, session) = finding.wait(&wire, deadline)?;
        let (path, listeners) = (path.to_owned(), Arc::default());
        Ok(Arc::new(Self {
            wire,
            manager,
            broker,
            session,
            path,
            timeout: Mutex::new(timeout),
            listeners,
        }))
    }

    /// For a call that begins now.
    pub fn deadline(&self) -> Option<Instant> {
        locked(&self.timeout).map(|each| Instant::now() + each)
    }

    pub fn make_room(&self) -> Result<()> {
        self.wire.make_room(self.deadline())
    }

    pub fn deaf(&self) -> Arc<dyn ObjectData> {
        Ear::<DmabrokerParamsV1, _>::of(&Arc::new(Deaf))
    }

    pub fn listeners(&self) -> Arc<Listeners> {
        self.listeners.clone()
    }

    /// Waits so long, and hears what the daemon says meanwhile.
    pub fn pause(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        match self.wait(Some(end), || None::<()>) {
            Err(Error::TimedOut) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Who is told what becomes of buffers.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Weak<Queue>>>);

impl Listeners {
    pub fn add(&self, queue: &Arc<Queue>) {
        locked(&self.0).push(Arc::downgrade(queue));
    }

    /// Those who listen no more are forgotten.
    pub fn tell(&self, event: &Event) {
        locked(&self.0).retain(|each| {
            each.upgrade()
                .map(|queue| queue.push(event.clone()))
                .is_some()
        });
    }
}
