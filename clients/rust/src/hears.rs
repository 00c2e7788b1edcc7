//! How objects of the protocol are listened to: without wayland-client's queues, whose state one thread has at a time.

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use wayland_backend::client::{Backend, ObjectData, ObjectId};
use wayland_backend::protocol::Message;
use wayland_client::{Connection, Proxy};

/// What an object of the protocol says, parsed. `None` is what the protocol does not have.
pub(crate) trait Hears<I: Proxy>: Send + Sync + 'static {
    fn hear(&self, event: Option<I::Event>);
}

/// Makes of one who hears what wayland-backend calls.
pub(crate) struct Ear<I, H>(pub Arc<H>, PhantomData<fn() -> I>);

impl<I: Proxy + 'static, H: Hears<I>> Ear<I, H> {
    pub fn of(hears: &Arc<H>) -> Arc<dyn ObjectData> {
        Arc::new(Self(hears.clone(), PhantomData))
    }
}

impl<I: Proxy + 'static, H: Hears<I>> ObjectData for Ear<I, H> {
    fn event(
        self: Arc<Self>,
        backend: &Backend,
        message: Message<ObjectId, OwnedFd>,
    ) -> Option<Arc<dyn ObjectData>> {
        let connection = Connection::from_backend(backend.clone());
        self.0.hear(
            I::parse_event(&connection, message)
                .ok()
                .map(|(_, event)| event),
        );
        None
    }

    fn destroyed(&self, _: ObjectId) {}
}
