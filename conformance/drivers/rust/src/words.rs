//! The commands' words (those of openapi.yaml) and the library's.

use std::collections::HashMap;
use std::fs::File;
use std::ops::{Bound, RangeBounds};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use dmabroker::{
    Alignment, BroughtPlane, Buffer, Contiguous, Error, Fourcc, HandleType, Import, Lifetime,
    Placement, PlaneLayout, Request, Result, Usage,
};
use rustix::fs::{fcntl_add_seals, ftruncate, memfd_create, MemfdFlags, SealFlags};
use serde_json::Value;

fn wrong<T>(name: &str, value: &Value) -> Result<T> {
    Err(Error::Invalid(format!("{name} is none: {value}")))
}

pub fn own<T>(found: Option<T>) -> Result<T> {
    found.map_or_else(|| wrong("name", &Value::Null), Ok)
}

pub fn text<'a>(args: &'a Value, name: &str) -> Result<&'a str> {
    args[name]
        .as_str()
        .map_or_else(|| wrong(name, &args[name]), Ok)
}

pub fn number(args: &Value, name: &str) -> Result<u64> {
    args[name]
        .as_u64()
        .map_or_else(|| wrong(name, &args[name]), Ok)
}

pub fn small(args: &Value, name: &str) -> Result<u32> {
    let value = number(args, name)?;
    u32::try_from(value).or_else(|_| wrong(name, &args[name]))
}

fn modifier(value: &Value) -> Result<u64> {
    let digits = value
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .unwrap_or_default();
    u64::from_str_radix(digits, 16).or_else(|_| wrong("modifier", value))
}

pub fn hex_of(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

pub fn bytes_of(hex: &str) -> Result<Vec<u8>> {
    let pair = |at: usize| {
        hex.get(at..at + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    (0..hex.len()).step_by(2).map(|at| own(pair(at))).collect()
}

/// Of `offset` and `size`, where they are said.
pub fn range_of(args: &Value) -> impl RangeBounds<u64> {
    let offset = args["offset"].as_u64().unwrap_or(0);
    let end = args["size"]
        .as_u64()
        .map_or(Bound::Unbounded, |size| Bound::Excluded(offset + size));
    (Bound::Included(offset), end)
}

fn shape<T>(
    words: &Value,
    linear: impl FnOnce(u64) -> T,
    image: impl FnOnce(u32, u32, Fourcc) -> T,
) -> Result<T> {
    if words["kind"] == "buffer" {
        return Ok(linear(number(words, "size")?));
    }
    Ok(image(
        small(words, "width")?,
        small(words, "height")?,
        text(words, "format")?.parse()?,
    ))
}

fn bits<T: std::ops::BitOr<Output = T>>(
    names: &Value,
    none: T,
    named: fn(&str) -> Option<T>,
) -> Result<T> {
    let each = names.as_array().into_iter().flatten();
    each.map(|name| {
        name.as_str()
            .and_then(named)
            .map_or_else(|| wrong("name", name), Ok)
    })
    .try_fold(none, |bits, bit| Ok(bits | bit?))
}

fn lifetime(words: &Value) -> Result<Lifetime> {
    match words["type"].as_str() {
        Some("lease") => Ok(Lifetime::Lease(small(words, "seconds")?)),
        Some("until_released") => Ok(Lifetime::UntilReleased),
        _ => Ok(Lifetime::Connection),
    }
}

/// What both kinds of request have.
macro_rules! terms {
    ($request:ident, $words:expr) => {
        if $words["usage"].is_array() {
            $request = $request.usage(bits(&$words["usage"], Usage::empty(), Usage::named)?);
        }
        if let Some(device) = $words["device"].as_str() {
            $request = $request.device(device);
        }
        if $words["lifetime"].is_object() {
            $request = $request.lifetime(lifetime(&$words["lifetime"])?);
        }
        if let Some(name) = $words["name"].as_str() {
            $request = $request.name(name);
        }
        if let Some(name) = $words["lasting_name"].as_str() {
            $request = $request.lasting_name(name);
        }
    };
}

/// Bits by their names.
pub fn handle_types_of(named: &Value) -> Result<HandleType> {
    bits(named, HandleType::empty(), HandleType::named)
}

/// A request in the words of CreateBuffer.
pub fn request_of(words: &Value) -> Result<Request> {
    let mut request = shape(words, Request::linear, Request::image)?;
    terms!(request, words);
    if words["handle_types"].is_array() {
        let types = handle_types_of(&words["handle_types"])?;
        let all = words["all_handle_types"] == true;
        request = if all {
            request.all_handle_types(types)
        } else {
            request.handle_types(types)
        };
    }
    let all = [
        Placement::Any,
        Placement::DeviceLocal,
        Placement::HostVisible,
        Placement::HostCached,
    ];
    if let Some(named) = words["placement"].as_str() {
        request = request.placement(own(all.into_iter().find(|each| each.name() == named))?);
    }
    let all = [Contiguous::Any, Contiguous::Preferred, Contiguous::Required];
    if let Some(named) = words["contiguous"].as_str() {
        request = request.contiguous(own(all.into_iter().find(|each| each.name() == named))?);
    }
    if let Some(source) = words["sources"].get(0).and_then(Value::as_str) {
        request = request.source(source);
    }
    if words["alignment"].is_object() {
        let of = |name: &str| {
            words["alignment"]
                .get(name)
                .map_or(Ok(0), |_| small(&words["alignment"], name))
        };
        let (stride, offset) = (of("stride")?, of("offset")?);
        request = request.alignment(Alignment {
            stride,
            offset,
            size: of("size")?,
            height: of("height")?,
        });
    }
    if let Some(modifiers) = words["modifiers"].as_array() {
        request = request.modifiers(modifiers.iter().map(modifier).collect::<Result<Vec<_>>>()?);
    }
    if words["separate_planes"] == true {
        request = request.separate_planes();
    }
    if let Some(layout) = words["layout"].as_array() {
        let place = |each| {
            Ok(PlaneLayout {
                offset: small(each, "offset")?,
                stride: small(each, "stride")?,
            })
        };
        request = request.layout(layout.iter().map(place).collect::<Result<Vec<_>>>()?);
    }
    if words["wait_ms"].is_number() {
        request = request.wait_ms(small(words, "wait_ms")?);
    }
    if words["memory"].is_object() {
        let offset = words["memory"]["offset"].as_u64().unwrap_or(0);
        request = request.memory(memfd_of(&words["memory"], offset)?, offset);
    }
    Ok(request)
}

/// A memfd as the words have it.
fn memfd_of(words: &Value, offset: u64) -> Result<OwnedFd> {
    let memfd = memfd_create(
        "conformance",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )?;
    ftruncate(&memfd, number(words, "size")?)?;
    fcntl_add_seals(&memfd, SealFlags::SHRINK)?;
    let file = File::from(memfd);
    file.write_all_at(
        &bytes_of(words["bytes"].as_str().unwrap_or_default())?,
        offset,
    )?;
    Ok(file.into())
}

/// Memory that is brought: of buffers that have a name.
pub fn import_of<'a>(words: &Value, buffers: &'a HashMap<String, Buffer>) -> Result<Import<'a>> {
    let mut planes = Vec::new();
    for each in words["planes"].as_array().into_iter().flatten() {
        let buffer = own(buffers.get(text(each, "buffer")?))?;
        let plane = own(buffer.planes.get(number(each, "plane")? as usize))?;
        let (offset, stride) = (small(each, "offset")?, small(each, "stride")?);
        planes.push(BroughtPlane {
            fd: plane.as_fd(),
            offset,
            stride,
        });
    }
    let mut import = shape(
        words,
        |size| Import::linear(size, planes.clone()),
        |width, height, format| Import::image(width, height, format, planes.clone()),
    )?;
    terms!(import, words);
    if words["modifier"].is_string() {
        import = import.modifier(modifier(&words["modifier"])?);
    }
    Ok(import)
}
