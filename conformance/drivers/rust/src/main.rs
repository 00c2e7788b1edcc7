//! The driver of the Rust library: conformance/README.md has the commands.
//!
//! Owns: the connection, and what was got through it, until `disconnect`.

mod lasting;
mod memory;
mod told;
mod words;

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::Duration;

use dmabroker::{Buffer, ClaimTerms, Client, Error, Mapping, Result, Share, ShareTerms};
use serde_json::{json, Value};

use told::{buffer_of, planned_of};
use words::{number, request_of, text};

/// What a name that was given is the name of.
#[derive(Default)]
struct Driver {
    client: Option<Client>,
    buffers: HashMap<String, Buffer>,
    mappings: HashMap<String, Mapping>,
    shares: HashMap<String, Share>,
}

type Command = fn(&mut Driver, &Value, Option<&str>) -> Result<Value>;

const COMMANDS: &[(&str, Command)] = &[
    ("hello", Driver::hello),
    ("connect", Driver::connect),
    ("disconnect", Driver::disconnect),
    ("sync", Driver::sync),
    ("allocate", Driver::allocate),
    ("allocate_many", Driver::allocate_many),
    ("test", Driver::test),
    ("import", Driver::import),
    ("redeem", Driver::redeem),
    ("claim", Driver::claim),
    ("commit", Driver::commit),
    ("published", Driver::published),
    ("layout_digest", Driver::layout_digest),
    ("adopt", Driver::adopt),
    ("share", Driver::share),
    ("revoke", Driver::revoke),
    ("renew", Driver::renew),
    ("park", Driver::park),
    ("reissue", Driver::reissue),
    ("state", Driver::state),
    ("release", Driver::release),
    ("close", Driver::close),
    ("map", Driver::map),
    ("poke", Driver::poke),
    ("peek", Driver::peek),
    ("unmap", Driver::unmap),
    ("fill", Driver::fill),
    ("copy", Driver::copy),
    ("read", Driver::read),
    ("fds", Driver::fds),
];

fn no<T>(what: &str) -> Result<T> {
    Err(Error::Invalid(what.into()))
}

impl Driver {
    fn client(&self) -> Result<&Client> {
        self.client
            .as_ref()
            .map_or_else(|| no("connect comes first"), Ok)
    }

    fn buffer(&self, args: &Value) -> Result<&Buffer> {
        self.buffers
            .get(text(args, "buffer")?)
            .map_or_else(|| no("there is no such buffer"), Ok)
    }

    fn taken(&mut self, args: &Value) -> Result<Buffer> {
        self.buffers
            .remove(text(args, "buffer")?)
            .map_or_else(|| no("there is no such buffer"), Ok)
    }

    fn mapping(&mut self, args: &Value) -> Result<&mut Mapping> {
        self.mappings
            .get_mut(text(args, "mapping")?)
            .map_or_else(|| no("there is no such mapping"), Ok)
    }

    /// What has no name is told, and let go.
    fn keep(&mut self, buffer: Buffer, name: Option<&str>) -> Result<Value> {
        let told = buffer_of(&buffer);
        match name {
            Some(name) => drop(self.buffers.insert(name.into(), buffer)),
            None => buffer.close()?,
        }
        Ok(told)
    }

    fn hello(&mut self, _: &Value, _: Option<&str>) -> Result<Value> {
        let can: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        Ok(json!({ "library": "dmabroker", "language": "Rust", "can": can }))
    }

    fn connect(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        let client = match args["socket"].as_str() {
            Some(socket) => Client::connect_to(socket)?,
            None => Client::connect()?,
        };
        let told = told::broker_of(&client);
        self.client = Some(client);
        Ok(told)
    }

    fn disconnect(&mut self, _: &Value, _: Option<&str>) -> Result<Value> {
        if let Some(client) = self.client.take() {
            client.disconnect();
        }
        *self = Self::default();
        Ok(json!({}))
    }

    fn sync(&mut self, _: &Value, _: Option<&str>) -> Result<Value> {
        self.client()?.sync()?;
        Ok(json!({}))
    }

    fn allocate(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = self.client()?.allocate(&request_of(&args["request"])?)?;
        self.keep(buffer, name)
    }

    fn allocate_many(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
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

    fn test(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        Ok(planned_of(
            &self.client()?.test(&request_of(&args["request"])?)?,
        ))
    }

    fn import(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = {
            let memory = words::import_of(&args["request"], &self.buffers)?;
            self.client()?.import(&memory)?
        };
        self.keep(buffer, name)
    }

    fn redeem(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = self.client()?.redeem(text(args, "token")?)?;
        self.keep(buffer, name)
    }

    fn claim(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
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

    fn adopt(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let buffer = {
            let memory = match args.get("request") {
                Some(request) => Some(words::import_of(request, &self.buffers)?),
                None => None,
            };
            self.client()?
                .adopt(text(args, "id")?, text(args, "session")?, memory.as_ref())?
        };
        self.keep(buffer, name)
    }

    fn share(&mut self, args: &Value, name: Option<&str>) -> Result<Value> {
        let small = |what: &str| {
            args[what]
                .as_u64()
                .and_then(|each| u32::try_from(each).ok())
        };
        let share = self.buffer(args)?.share(ShareTerms {
            uses: small("uses").unwrap_or(1),
            uid: small("uid"),
            seconds: small("seconds"),
            may_renew: args["may_renew"].as_bool().unwrap_or(false),
        })?;
        let told = json!({ "token": share.token, "token_id": share.token_id });
        if let Some(name) = name {
            self.shares.insert(name.into(), share);
        }
        Ok(told)
    }

    fn revoke(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        match self.shares.remove(text(args, "share")?) {
            Some(share) => share.revoke()?,
            None => return no("there is no such share"),
        }
        Ok(json!({}))
    }

    fn renew(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        self.buffer(args)?.renew(words::small(args, "seconds")?)?;
        Ok(json!({}))
    }

    fn park(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        self.buffer(args)?.park(words::small(args, "seconds")?)?;
        Ok(json!({}))
    }

    fn reissue(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        match self.buffers.get_mut(text(args, "buffer")?) {
            Some(buffer) => {
                buffer.reissue()?;
                Ok(buffer_of(buffer))
            }
            None => no("there is no such buffer"),
        }
    }

    fn state(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        // What the daemon has said before is heard first.
        self.client()?.sync()?;
        let buffer = self.buffer(args)?;
        let state = buffer.state();
        Ok(json!({
            "released": state.released.map(told::name_of),
            "recalled": state.recalled.map(|recall| told::name_of(recall.reason)),
            "leased": state.lease_ends.is_some(),
            "lost": state.lost,
            "generation": buffer.generation,
        }))
    }

    fn release(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        self.taken(args)?.release()?;
        Ok(json!({}))
    }

    fn close(&mut self, args: &Value, _: Option<&str>) -> Result<Value> {
        self.taken(args)?.close()?;
        Ok(json!({}))
    }

    fn fds(&mut self, _: &Value, _: Option<&str>) -> Result<Value> {
        Ok(json!({ "open": std::fs::read_dir("/proc/self/fd")?.count() }))
    }
}

fn answer(driver: &mut Driver, line: &str) -> Value {
    let command: Value = match serde_json::from_str(line) {
        Ok(command) => command,
        Err(error) => return json!({ "rejected": { "message": error.to_string() } }),
    };
    let what = command["do"].as_str().unwrap_or_default();
    let done = match COMMANDS.iter().find(|(name, _)| *name == what) {
        Some((_, run)) => run(driver, &command["args"], command["as"].as_str()),
        None => no(&format!("there is no command {what}")),
    };
    match done {
        Ok(told) => json!({ "ok": told }),
        Err(Error::Refused(refusal)) => {
            let detail: Value = serde_json::from_str(&refusal.detail).unwrap_or_default();
            json!({ "refused": { "code": refusal.code.name(), "message": refusal.message, "detail": detail } })
        }
        Err(Error::Ended(ended)) => {
            json!({ "ended": { "interface": ended.interface, "code": ended.code, "message": ended.message } })
        }
        // Nothing was sent, or nobody was there.
        Err(error) => json!({ "rejected": { "message": error.to_string() } }),
    }
}

fn main() -> std::io::Result<()> {
    let mut driver = Driver::default();
    for line in std::io::stdin().lock().lines() {
        let told = answer(&mut driver, &line?);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{told}")?;
        out.flush()?;
    }
    Ok(())
}
