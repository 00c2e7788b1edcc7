//! The commands that get buffers.

use std::time::Duration;

use dmabroker::{ClaimTerms, Result};
use serde_json::{json, Value};

use crate::told::planned_of;
use crate::words::{handle_types_of, import_of, number, request_of, text};
use crate::Driver;

impl Driver {
    pub fn allocate(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = self.client()?.allocate(&request_of(&args["request"])?)?;
        self.keep(buffer, name)
    }

    pub fn allocate_many(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let count = usize::try_from(number(args, "count")?).unwrap_or(usize::MAX);
        let made = self
            .client()?
            .allocate_many(&request_of(&args["request"])?, count)?;
        let mut told = Vec::new();
        for (index, buffer) in made.into_iter().enumerate() {
            let name = name.map(|name| format!("{name}{index}"));
            told.push(self.keep(buffer, name.as_deref())?);
        }
        Ok(json!({ "buffers": told }))
    }

    pub fn test(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        Ok(planned_of(
            &self.client()?.test(&request_of(&args["request"])?)?,
        ))
    }

    pub fn import(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = {
            let memory = import_of(&args["request"], &self.buffers)?;
            self.client()?.import(&memory)?
        };
        self.keep(buffer, name)
    }

    pub fn redeem(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let token = text(args, "token")?;
        let buffer = match args.get("handle_types") {
            None => self.client()?.redeem(token)?,
            Some(named) => self.client()?.redeem_as(token, handle_types_of(named)?)?,
        };
        self.keep(buffer, name)
    }

    pub fn claim(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let said = |what: &str| args[what].as_bool().unwrap_or(false);
        let wait = Duration::from_millis(args["wait"].as_u64().unwrap_or(0));
        let terms = ClaimTerms {
            writer: said("writer"),
            committed: said("committed"),
            wait,
        };
        let buffer = self.client()?.claim(text(args, "name")?, terms)?;
        self.keep(buffer, name)
    }

    pub fn adopt(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = {
            let memory = match args.get("request") {
                Some(request) => Some(import_of(request, &self.buffers)?),
                None => None,
            };
            self.client()?
                .adopt(text(args, "id")?, text(args, "session")?, memory.as_ref())?
        };
        self.keep(buffer, name)
    }
}
