//! A request in the words of openapi.yaml's CreateBuffer, as a refusal's `nearest` has it, as one of the library's.

use crate::json::Value;
use crate::request::{Alignment, Lifetime, PlaneLayout, Request};
use crate::words::{Contiguous, HandleType, Placement, Usage};

/// None where it is no request that this library knows of.
pub(crate) fn request_of(words: &Value) -> Option<Request> {
    let number = |name: &str| words.get(name).and_then(Value::number::<u32>);
    let text = |name: &str| words.get(name).and_then(Value::text);
    let mut request = match text("kind")? {
        "buffer" => Request::linear(words.get("size")?.number()?),
        _ => Request::image(
            number("width")?,
            number("height")?,
            text("format")?.parse().ok()?,
        ),
    };
    if let Some(named) = words.get("handle_types") {
        let all = words.get("all_handle_types") == Some(&Value::Bool(true));
        request.handle_types = bits(named, HandleType::named, HandleType::empty())?;
        request.all_handle_types = all;
    }
    if let Some(named) = words.get("usage") {
        request.terms.usage = Some(bits(named, Usage::named, Usage::empty())?);
    }
    request.placement = one_of(
        text("placement"),
        [
            Placement::Any,
            Placement::DeviceLocal,
            Placement::HostVisible,
            Placement::HostCached,
        ],
        Placement::name,
    )?;
    request.contiguous = one_of(
        text("contiguous"),
        [Contiguous::Any, Contiguous::Preferred, Contiguous::Required],
        Contiguous::name,
    )?;
    // The protocol names one.
    let first = words
        .get("sources")
        .and_then(|each| each.elements().first())
        .and_then(Value::text);
    request.source = first.or(text("source")).map(str::to_owned);
    request.terms.device = text("device").map(str::to_owned);
    request.terms.name = text("name").map(str::to_owned);
    request.terms.lasting_name = text("lasting_name").map(str::to_owned);
    request.terms.lifetime = lifetime(words.get("lifetime"))?;
    request.separate_planes = words.get("separate_planes") == Some(&Value::Bool(true));
    request.wait_ms = number("wait_ms").unwrap_or(0);
    if let Some(demands) = words.get("alignment") {
        let of = |name: &str| demands.get(name).and_then(Value::number).unwrap_or(0);
        request.alignment = Alignment {
            stride: of("stride"),
            offset: of("offset"),
            size: of("size"),
            height: of("height"),
        };
    }
    for each in words
        .get("modifiers")
        .map(Value::elements)
        .unwrap_or_default()
    {
        request
            .modifiers
            .push(u64::from_str_radix(each.text()?.strip_prefix("0x")?, 16).ok()?);
    }
    for each in words.get("layout").map(Value::elements).unwrap_or_default() {
        let of = |name: &str| each.get(name).and_then(Value::number);
        request.layout.push(PlaneLayout {
            offset: of("offset")?,
            stride: of("stride")?,
        });
    }
    Some(request)
}

fn bits<T: std::ops::BitOr<Output = T>>(
    names: &Value,
    named: fn(&str) -> Option<T>,
    none: T,
) -> Option<T> {
    names
        .elements()
        .iter()
        .try_fold(none, |bits, each| Some(bits | named(each.text()?)?))
}

/// The first where none is said.
fn one_of<T: Copy, const N: usize>(
    said: Option<&str>,
    all: [T; N],
    name: fn(T) -> String,
) -> Option<T> {
    match said {
        None => all.first().copied(),
        Some(said) => all.into_iter().find(|each| name(*each) == said),
    }
}

fn lifetime(words: Option<&Value>) -> Option<Lifetime> {
    let Some(words) = words else {
        return Some(Lifetime::Connection);
    };
    match words.get("type").and_then(Value::text)? {
        "until_released" => Some(Lifetime::UntilReleased),
        "lease" => Some(Lifetime::Lease(words.get("seconds")?.number()?)),
        _ => Some(Lifetime::Connection),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Shape;

    #[test]
    fn each_field() {
        let told = r#"{"kind":"image","width":64,"height":32,"format":"NV12","usage":["sample","cpu_read"],
            "handle_types":["memfd"],"placement":"host_visible","contiguous":"preferred","sources":["udmabuf"],"separate_planes":true,
            "lifetime":{"type":"lease","seconds":60},"alignment":{"stride":256},"modifiers":["0x0000000000000001"],
            "layout":[{"offset":0,"stride":256}]}"#;
        let request = request_of(&Value::parse(told).expect("JSON")).expect("a request");
        assert_eq!(
            request.shape,
            Shape::Image {
                width: 64,
                height: 32,
                format: "NV12".parse().expect("a fourcc")
            }
        );
        assert_eq!(request.terms.usage, Some(Usage::Sample | Usage::CpuRead));
        assert_eq!(request.handle_types, HandleType::Memfd);
        assert_eq!(request.placement, Placement::HostVisible);
        assert_eq!(request.contiguous, Contiguous::Preferred);
        assert_eq!(request.source.as_deref(), Some("udmabuf"));
        assert_eq!(request.terms.lifetime, Lifetime::Lease(60));
        assert_eq!(
            (request.alignment.stride, request.alignment.height),
            (256, 0)
        );
        assert_eq!(request.modifiers, [1]);
        assert_eq!(
            request.layout,
            [PlaneLayout {
                offset: 0,
                stride: 256
            }]
        );
        assert!(request.separate_planes);
    }

    #[test]
    fn of_a_later_daemon() {
        let told = r#"{"kind":"buffer","size":1,"handle_types":["telepathy"]}"#;
        assert!(request_of(&Value::parse(told).expect("JSON")).is_none());
        assert!(request_of(&Value::Null).is_none());
    }
}
