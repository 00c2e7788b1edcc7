//! The commands about content: mapped here, or moved by the daemon.

use dmabroker::Result;
use serde_json::{json, Value};

use crate::told::path_of;
use crate::words::{bytes_of, hex_of, number, own, range_of, small, text};
use crate::{no, Driver};

impl Driver {
    pub fn map(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = self.buffer(args)?;
        let index = |what: &str| args[what].as_u64().map(|each| each as usize);
        let memory = match index("plane") {
            Some(plane) => buffer
                .planes
                .get(plane)
                .map_or_else(|| no("there is no such plane"), |each| Ok(each.memory))?,
            None => index("memory").unwrap_or(0),
        };
        let mapping = buffer.map(memory)?;
        let told = json!({ "size": mapping.len() });
        if let Some(name) = name {
            self.mappings.insert(name.into(), mapping);
        }
        Ok(told)
    }

    pub fn poke(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let (offset, bytes) = (
            number(args, "offset")? as usize,
            bytes_of(text(args, "bytes")?)?,
        );
        let mut writing = self.mapping(args)?.write()?;
        writing.copy_from(offset, &bytes)?;
        writing.end()?;
        Ok(json!({}))
    }

    pub fn peek(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let (offset, size) = (
            number(args, "offset")? as usize,
            number(args, "size")? as usize,
        );
        let reading = self.mapping(args)?.read()?;
        let bytes = reading.to_vec(offset, size)?;
        reading.end()?;
        Ok(json!({ "bytes": hex_of(&bytes) }))
    }

    pub fn unmap(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        self.mappings.remove(text(args, "mapping")?);
        Ok(json!({}))
    }

    pub fn fill(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let path = self
            .buffer(args)?
            .fill(small(args, "value")?, range_of(args))?;
        Ok(json!({ "path": path_of(path) }))
    }

    pub fn copy(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let source = own(self.buffers.get(text(args, "source")?))?;
        let from = args["source_offset"].as_u64().unwrap_or(0);
        let path = self.buffer(args)?.copy_from(source, from, range_of(args))?;
        Ok(json!({ "path": path_of(path) }))
    }

    pub fn read(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let content = self.buffer(args)?.read(range_of(args))?;
        Ok(json!({ "bytes": hex_of(&content.bytes), "path": path_of(content.path) }))
    }
}
