//! A buffer's object on a connection, and the requests that are answered by one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wayland_client::{Proxy, WEnum};

use crate::buffer_object::BufferObject;
use crate::checks;
use crate::error::{Error, Refusal, Result};
use crate::import::Import;
use crate::line::Line;
use crate::params::Params;
use crate::protocol::dmabroker_buffer_v1::DmabrokerBufferV1;
use crate::protocol::dmabroker_manager_v1::{Claim, Request as Ask};
use crate::protocol::dmabroker_params_v1::Request as Make;
use crate::request::Request;
use crate::told::Description;
use crate::words::{Code, HandleType, Limit};

/// Where a daemon has not said how many it makes at once.
const MAX_UNTOLD: u64 = 1024;
const MAX_CLAIM_WAIT: Duration = Duration::from_secs(86_400);

/// While the earlier connection of what is adopted is still there, in milliseconds.
const BUSY: &[u64] = &[5, 20, 80, 320, 1280];
/// All of a user's clients may come back at once, and have their memory imported.
const PENDING: &[u64] = &[5, 20, 80, 320, 1280, 2560, 5120];
/// Who has not brought its memory by then, after a restart of the daemon, will not.
const AWAY: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_secs(1),
    Duration::from_secs(30),
];

/// The daemon's object, and what was heard of it. Dropped, the daemon is told that nobody has it any more.
pub(crate) struct Held {
    pub line: Arc<Line>,
    pub object: Arc<BufferObject>,
    pub proxy: DmabrokerBufferV1,
    /// Given up before it was there, it is to be let go of whatever its lifetime.
    pub unclaimed: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Where it cannot be said, the connection's end says it.
        if self.line.make_room().is_err() {
            return;
        }
        if self.unclaimed {
            self.proxy.release();
        }
        self.proxy.destroy();
        self.line.flush();
    }
}

impl Held {
    /// By a request that makes a buffer object.
    fn ask<P: Proxy>(line: &Arc<Line>, from: &P, ask: P::Request<'_>, own: bool) -> Result<Self> {
        let object = BufferObject::new(line.listeners());
        let proxy = line.create(from, ask, object.ear())?;
        Ok(Self {
            line: line.clone(),
            object,
            proxy,
            unclaimed: own,
        })
    }

    pub fn allocate(line: &Arc<Line>, request: &Request) -> Result<Self> {
        checks::request(request)?;
        let params = Params::new(line)?;
        params.want(request)?;
        Self::ask(line, &params.object, Make::Create {}, true)
    }

    /// All of them, or none.
    pub fn allocate_many(
        line: &Arc<Line>,
        request: &Request,
        count: usize,
    ) -> Result<Vec<(Self, Description)>> {
        checks::request(request)?;
        let most = line.broker.limit(Limit::Batch).unwrap_or(MAX_UNTOLD);
        if count == 0 || count as u64 > most {
            return checks::invalid(format!("count must be from 1 to {most}, and is {count}"));
        }
        if request.memory.is_some() {
            return checks::invalid("memory is of one buffer: allocate");
        }
        let deadline = line.deadline();
        let params = Params::new(line)?;
        params.want(request)?;
        let added = (0..count).map(|_| Self::ask(line, &params.object, Make::AddBuffer {}, true));
        let mut all = added.collect::<Result<Vec<_>>>()?;
        params.object.create_batch();
        drop(params);
        let told = all
            .iter_mut()
            .map(|each| each.receive(deadline))
            .collect::<Vec<_>>();
        match told.into_iter().collect::<Result<Vec<_>>>() {
            Ok(told) => Ok(all.into_iter().zip(told).collect()),
            Err(error) => {
                // Those that were there already go with the others.
                let given_up = !matches!(error, Error::Refused(_));
                all.iter_mut().for_each(|each| each.unclaimed = given_up);
                Err(error)
            }
        }
    }

    pub fn import(line: &Arc<Line>, memory: &Import<'_>) -> Result<Self> {
        checks::import(memory)?;
        let params = Params::new(line)?;
        params.bring(memory);
        Self::ask(line, &params.object, Make::Import {}, true)
    }

    /// `kinds`: those alone that it is to have. Where the daemon was restarted and nobody has brought the memory yet: when
    /// somebody has.
    pub fn redeem(
        line: &Arc<Line>,
        token: &str,
        kinds: Option<HandleType>,
    ) -> Result<(Self, Description)> {
        checks::word(token, "token")?;
        if kinds.is_some_and(|kinds| kinds.is_empty()) {
            return checks::invalid("handle_types must have a bit at least");
        }
        let [mut pause, longest, patience] = AWAY;
        let (deadline, end) = (line.deadline(), Instant::now() + patience);
        loop {
            line.make_room()?;
            let token = token.into();
            let ask = match kinds {
                None => Ask::Redeem { token },
                Some(kinds) => Ask::RedeemAs {
                    token,
                    handle_types: WEnum::Value(kinds),
                },
            };
            let mut held = Self::ask(line, &line.manager, ask, false)?;
            match held.receive(deadline) {
                Err(Error::Refused(refusal))
                    if is(&refusal, Code::Busy, "state") && Instant::now() + pause < end => {}
                other => return other.map(|told| (held, told)),
            }
            line.pause(pause)?;
            pause = longest.min(2 * pause);
        }
    }

    pub fn claim(line: &Arc<Line>, name: &str, how: Claim, wait: Duration) -> Result<Self> {
        checks::word(name, "name")?;
        if wait > MAX_CLAIM_WAIT {
            return checks::invalid(format!(
                "wait must be at most {MAX_CLAIM_WAIT:?}, and is {wait:?}"
            ));
        }
        line.make_room()?;
        let milliseconds = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let ask = Ask::Claim {
            name: name.into(),
            milliseconds,
            how: WEnum::Value(how),
        };
        Self::ask(line, &line.manager, ask, false)
    }

    /// A buffer of an earlier connection of this user; waits a little where that is still there.
    pub fn adopt(
        line: &Arc<Line>,
        id: &str,
        session: &str,
        memory: Option<&Import<'_>>,
    ) -> Result<(Self, Description)> {
        checks::word(id, "id")?;
        checks::word(session, "session")?;
        if let Some(memory) = memory {
            checks::import(memory)?;
        }
        let deadline = line.deadline();
        let mut waited = 0;
        loop {
            let params = Params::new(line)?;
            if let Some(memory) = memory {
                params.bring(memory);
            }
            let ask = Make::Adopt {
                id: id.into(),
                session: session.into(),
            };
            let mut held = Self::ask(line, &params.object, ask, false)?;
            drop(params);
            let error = match held.receive(deadline) {
                Ok(told) => return Ok((held, told)),
                Err(error) => error,
            };
            let Some(pause) = error
                .refusal()
                .map(pauses)
                .and_then(|pauses| pauses.get(waited))
            else {
                return Err(error);
            };
            line.pause(Duration::from_millis(*pause))?;
            waited += 1;
        }
    }

    /// Waits for the answer to the request that made it, or that asks for its memory anew.
    pub fn receive(&mut self, deadline: Option<Instant>) -> Result<Description> {
        let answer = self
            .line
            .wait(deadline, || self.object.heard().take_answer())?;
        self.answered(answer)
    }

    /// The answer, where it has come.
    pub fn look(&mut self) -> Option<Result<Description>> {
        let answer = self.object.heard().take_answer();
        match answer {
            Some(answer) => Some(self.answered(answer)),
            None => self.line.over().map(|ended| Err(ended.into())),
        }
    }

    fn answered(&mut self, answer: Result<Description>) -> Result<Description> {
        // It is somebody's from now on, or it is not there.
        self.unclaimed = false;
        answer
    }
}

/// How long to wait before it is asked again, where a refusal is one that passes.
fn pauses(refusal: &Refusal) -> &'static [u64] {
    let pending = || {
        refusal
            .constraint()
            .is_some_and(|each| each.ends_with(".pending"))
    };
    match refusal.code {
        Code::Busy if is(refusal, Code::Busy, "session") => BUSY,
        Code::LimitExceeded if pending() => PENDING,
        _ => &[],
    }
}

fn is(refusal: &Refusal, code: Code, constraint: &str) -> bool {
    refusal.code == code && refusal.constraint().as_deref() == Some(constraint)
}
