//! Enough of JSON to look into a refusal's detail (docs/errors.md), which the daemon writes: no crate is needed for that.

use std::iter::Peekable;
use std::str::Chars;

/// Deeper than any refusal is; a daemon that says more is not followed.
const MAX_DEPTH: u32 = 32;

/// A value. Numbers stay texts: some are wider than an `f64` holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// None where it is no JSON.
    pub fn parse(text: &str) -> Option<Value> {
        let mut parser = Parser {
            rest: text.chars().peekable(),
        };
        let value = parser.value(0)?;
        parser.space();
        parser.rest.next().is_none().then_some(value)
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Its elements; none where it is no array.
    pub fn elements(&self) -> &[Value] {
        match self {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    fn space(&mut self) {
        while self
            .rest
            .next_if(|each| " \t\r\n".contains(*each))
            .is_some()
        {}
    }

    /// The character, after space.
    fn takes(&mut self, wanted: char) -> Option<()> {
        self.space();
        self.rest.next_if_eq(&wanted).map(|_| ())
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        match *self.rest.peek()? {
            '"' => self.string().map(Value::Text),
            '[' => self.array(depth),
            '{' => self.object(depth),
            '-' | '0'..='9' => {
                let mut digits = String::new();
                while let Some(each) = self.rest.next_if(|each| "+-.eE0123456789".contains(*each)) {
                    digits.push(each);
                }
                Some(Value::Number(digits))
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(each) = self.rest.next_if(char::is_ascii_lowercase) {
            word.push(each);
        }
        match word.as_str() {
            "null" => Some(Value::Null),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        }
    }

    fn array(&mut self, depth: u32) -> Option<Value> {
        self.takes('[')?;
        let mut elements = Vec::new();
        if self.takes(']').is_some() {
            return Some(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.takes(']').is_some() {
                return Some(Value::Array(elements));
            }
            self.takes(',')?;
        }
    }

    fn object(&mut self, depth: u32) -> Option<Value> {
        self.takes('{')?;
        let mut members = Vec::new();
        if self.takes('}').is_some() {
            return Some(Value::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.takes(':')?;
            members.push((name, self.value(depth + 1)?));
            if self.takes('}').is_some() {
                return Some(Value::Object(members));
            }
            self.takes(',')?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.takes('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                each => text.push(each),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.unit()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first);
                }
                self.rest.next_if_eq(&'\\')?;
                self.rest.next_if_eq(&'u')?;
                let second = self.unit()?.checked_sub(0xdc00)?;
                return char::from_u32(0x10000 + ((first - 0xd800) << 10) + second);
            }
            each => each,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + self.rest.next()?.to_digit(16)?;
        }
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn what_a_refusal_has() {
        let told = r#" {"constraint":"size","possible":{"max":18446744073709551615},"nearest":{"modifiers":["0x0"],
            "all":true,"none":null,"empty":[],"text":"\u00e4\ud83d\ude00\n"}} "#;
        let value = Value::parse(told).expect("JSON");
        assert_eq!(value.get("constraint").and_then(Value::text), Some("size"));
        let most = value.get("possible").and_then(|each| each.get("max"));
        assert_eq!(most.and_then(Value::number::<u64>), Some(u64::MAX));
        let nearest = value.get("nearest").expect("nearest");
        assert_eq!(
            nearest.get("modifiers").map(|each| each.elements().len()),
            Some(1)
        );
        assert_eq!(nearest.get("all"), Some(&Value::Bool(true)));
        assert_eq!(nearest.get("none"), Some(&Value::Null));
        assert_eq!(nearest.get("text").and_then(Value::text), Some("ä😀\n"));
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "nul",
            "\"",
            "1 2",
            "\"\\ud800\"",
        ] {
            assert_eq!(Value::parse(text), None, "{text}");
        }
        assert_eq!(Value::parse(&"[".repeat(100_000)), None);
    }
}
