//! What the library says, in the commands' words.

use dmabroker::{Buffer, Client, HandleType, Path, Planned, RecallReason, ReleaseReason, WEnum};
use serde_json::{json, Value};

pub fn buffer_of(buffer: &Buffer) -> Value {
    let planes = buffer.planes.iter();
    let checked = buffer.checked.as_ref();
    let how = |how: &WEnum<dmabroker::ImportCheck>| {
        how.into_result().map_or("unknown".into(), |how| how.name())
    };
    json!({
        "id": buffer.id,
        "generation": buffer.generation,
        "handle_type": kind_of(buffer.handle_type),
        "source": buffer.source,
        "size": buffer.size,
        "format": buffer.format.map(|each| each.to_string()),
        "modifier": buffer.modifier.map(|each| format!("0x{each:016x}")),
        "width": buffer.width,
        "height": buffer.height,
        "memories": buffer.memories.iter().map(|size| json!({ "size": size })).collect::<Vec<_>>(),
        "planes": planes.map(|each| place(each.memory, each.offset, each.stride)).collect::<Vec<_>>(),
        "device": buffer.device,
        "checked": checked.map(|each| json!({ "how": how(&each.how), "reason": each.reason })),
        "unverified_usage": buffer.unverified_usage.names(),
        "fell_back": buffer.fell_back.as_ref().map(|each| json!({
            "reason": each.reason.into_result().map_or("unknown".into(), |reason| reason.name()),
            "source": each.source, "message": each.message,
        })),
    })
}

fn place(memory: usize, offset: u32, stride: u32) -> Value {
    json!({ "memory": memory, "offset": offset, "stride": stride })
}

fn kind_of(kind: HandleType) -> String {
    kind.names().into_iter().next().unwrap_or("unknown".into())
}

pub fn planned_of(planned: &Planned) -> Value {
    let planes = planned.planes.iter();
    json!({
        "source": planned.source,
        "handle_type": kind_of(planned.handle_type),
        "size": planned.size,
        "modifier": planned.modifier.map(|each| format!("0x{each:016x}")),
        "memories": planned.memories.iter().map(|size| json!({ "size": size })).collect::<Vec<_>>(),
        "planes": planes.map(|each| place(each.memory, each.offset, each.stride)).collect::<Vec<_>>(),
        "unverified_usage": planned.unverified_usage.names(),
    })
}

pub fn broker_of(client: &Client) -> Value {
    let broker = client.broker();
    let device = |each: &dmabroker::Device| {
        json!({
            "name": each.name,
            "device_uuid": each.device_uuid,
            "driver_uuid": each.driver_uuid,
            "main_device": each.main_device,
        })
    };
    let source = |each: &dmabroker::Source| {
        json!({
            "name": each.name,
            "handle_type": kind_of(each.handle_type),
            "usable": each.usable,
            "reason": each.reason,
        })
    };
    let limits = broker
        .limits
        .iter()
        .map(|(what, value)| (what.name(), json!(value)));
    json!({
        "devices": broker.devices.iter().map(device).collect::<Vec<_>>(),
        "sources": broker.sources.iter().map(source).collect::<Vec<_>>(),
        "limits": limits.collect::<serde_json::Map<_, _>>(),
        "session": client.session(),
    })
}

pub fn path_of(path: WEnum<Path>) -> String {
    path.into_result()
        .map_or("unknown".into(), |path| path.name())
}

/// Why something has become of a buffer.
pub trait Reason: Sized {
    fn said(self) -> String;
}

impl Reason for ReleaseReason {
    fn said(self) -> String {
        self.name()
    }
}

impl Reason for RecallReason {
    fn said(self) -> String {
        self.name()
    }
}

pub fn name_of<T: Reason>(reason: WEnum<T>) -> String {
    reason.into_result().map_or("unknown".into(), T::said)
}
