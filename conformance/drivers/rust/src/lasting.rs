//! The commands about what a writer publishes.

use dmabroker::Result;
use serde_json::{json, Value};

use crate::Driver;

impl Driver {
    pub fn commit(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let metadata = args
            .get("metadata")
            .filter(|each| !each.is_null())
            .map(Value::to_string);
        let revision = args["revision"].as_u64().unwrap_or(0);
        let committed = self.buffer(args)?.commit(revision, metadata.as_deref())?;
        Ok(json!({ "revision": committed.revision, "digest": committed.digest }))
    }

    pub fn published(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        self.client()?.sync()?;
        let state = self.buffer(args)?.state();
        let metadata = state
            .metadata
            .as_deref()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let committed = state.committed.as_ref();
        Ok(json!({
            "revision": committed.map(|each| each.revision),
            "digest": committed.map(|each| &each.digest),
            "metadata": metadata,
        }))
    }

    pub fn layout_digest(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        Ok(json!({ "digest": self.buffer(args)?.layout_digest() }))
    }
}
