//! What takes a daemon at `DMABROKER_SOCKET`, whose process is `DMABROKER_TEST_PID`: `npm test -- rust/library` starts one. The
//! scenarios of conformance/ have the rest.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{kill_process, Pid, Signal};

use dmabroker::{Client, Error, HandleType, Import, News, Request, Result, ShareTerms, WEnum};

fn linear(size: u64) -> Request {
    Request::linear(size).handle_types(HandleType::DmaBuf | HandleType::Memfd)
}

fn fds() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// One test, since others would open fds meanwhile.
#[test]
#[ignore = "it takes a daemon"]
fn all() -> Result<()> {
    let before = fds();
    dropped()?;
    guards()?;
    given_up()?;
    threads()?;
    events()?;
    other_clients()?;
    stalled()?;
    disconnected()?;
    assert_eq!(fds(), before, "none is left");
    Ok(())
}

/// A buffer that is dropped is let go of, and its mapping stays good.
fn dropped() -> Result<()> {
    let (client, other) = (Client::connect()?, Client::connect()?);
    let buffer = client.allocate(&linear(8192))?;
    let token = buffer
        .share(ShareTerms {
            uses: 2,
            ..Default::default()
        })?
        .token;
    let mut mapping = buffer.map(0)?;
    let theirs = other.redeem(&token)?;
    drop(buffer);
    client.sync()?;
    other.sync()?;
    assert!(theirs.state().released.is_some());
    assert!(
        matches!(other.redeem(&token), Err(Error::Refused(_))),
        "its token has ended"
    );
    mapping.write()?.copy_from(0, b"seen")?;
    assert_eq!(theirs.map_read_only(0)?.read()?.to_vec(0, 4)?, b"seen");
    // Its fds alone may be kept, too.
    let told = theirs.into_description();
    assert_eq!(told.planes.len(), 1);
    Ok(())
}

/// What is outside is `Invalid`, and nothing happens.
fn guards() -> Result<()> {
    let client = Client::connect()?;
    let buffer = client.allocate(&linear(4096))?;
    let mut mapping = buffer.map(0)?;
    let size = mapping.len();
    let mut writing = mapping.write()?;
    writing.fill(7);
    for (offset, length) in [(size, 1), (size - 1, 2), (usize::MAX, 2)] {
        assert!(matches!(
            writing.copy_from(offset, &vec![0; length]),
            Err(Error::Invalid(_))
        ));
        assert!(matches!(
            writing.to_vec(offset, length),
            Err(Error::Invalid(_))
        ));
    }
    writing.copy_from(size, &[])?;
    // SAFETY: nobody else has the buffer.
    unsafe {
        writing.bytes_mut()[0] = 8;
        assert_eq!((writing.bytes()[0], writing.bytes()[size - 1]), (8, 7));
    }
    writing.end()?;
    let mut read_only = buffer.map_read_only(0)?;
    assert!(matches!(read_only.write(), Err(Error::Invalid(_))));
    assert!(matches!(buffer.map(1), Err(Error::Invalid(_))));
    assert_eq!(buffer.read(0..4)?.bytes, [8, 7, 7, 7], "the daemon sees it");
    Ok(())
}

/// What nobody waits for any more leaves nothing.
fn given_up() -> Result<()> {
    let client = Client::connect()?;
    drop(client.begin_allocate(&linear(8192).lifetime(dmabroker::Lifetime::UntilReleased))?);
    let mut asked = client.begin_allocate(&linear(8192))?;
    let buffer = loop {
        client.dispatch()?;
        if let Some(answer) = asked.taken() {
            break answer?;
        }
        thread::yield_now();
    };
    assert!(asked.taken().is_none(), "once");
    buffer.close()?;
    client.set_timeout(Some(Duration::ZERO));
    // Where this thread was not running meanwhile, the answer is there already.
    let mut tries = (0..100).map(|_| client.allocate(&linear(8192)));
    assert!(tries.any(|answer| matches!(answer, Err(Error::TimedOut))));
    client.set_timeout(None);
    client.allocate(&linear(8192)).map(|_| ())
}

/// Several threads have one client, and each its own answers.
fn threads() -> Result<()> {
    let client = Client::connect()?;
    thread::scope(|scope| {
        let works = (1..=4u64).map(|number| {
            let client = &client;
            scope.spawn(move || -> Result<()> {
                for round in 1..=8 {
                    let buffer = client.allocate(&linear(4096 * number))?;
                    assert_eq!(buffer.size, 4096 * number);
                    buffer.fill(round, ..)?;
                    assert_eq!(buffer.read(0..4)?.bytes, round.to_ne_bytes());
                    buffer.close()?;
                }
                Ok(())
            })
        });
        let works = works.collect::<Vec<_>>();
        works
            .into_iter()
            .try_for_each(|work| work.join().expect("no panic"))
    })
}

/// Who listens is told; who does not hears nothing of it.
fn events() -> Result<()> {
    let client = Client::connect()?;
    let events = client.events();
    let lease = linear(8192).lifetime(dmabroker::Lifetime::Lease(60));
    let buffer = client.allocate(&lease)?;
    let ends = buffer.state().lease_ends.expect("a lease");
    buffer.renew(600)?;
    assert!(buffer.state().lease_ends > Some(ends));
    let mut leased = 0;
    while let Some(event) = events.next_within(Some(Duration::ZERO))? {
        assert_eq!(
            (event.news, event.buffer_id),
            (News::Leased, buffer.id.clone())
        );
        leased += 1;
    }
    assert_eq!(leased, 1, "what came before it was there is no news");
    let again = Client::connect()?.redeem(&buffer.share(ShareTerms::default())?.token)?;
    buffer.release()?;
    let begun = Instant::now();
    while again.state().released.is_none() && begun.elapsed() < Duration::from_secs(60) {
        again.read(0..4).err();
    }
    assert!(matches!(
        again.state().released,
        Some(WEnum::Value(dmabroker::ReleaseReason::Owner))
    ));
    Ok(())
}

/// What is another client's, or no memory, is found before it is sent.
fn other_clients() -> Result<()> {
    let (client, other) = (Client::connect()?, Client::connect()?);
    let (one, two) = (
        client.allocate(&linear(4096))?,
        other.allocate(&linear(4096))?,
    );
    assert!(matches!(one.copy_from(&two, 0, ..), Err(Error::Invalid(_))));
    let (socket, _end) = std::os::unix::net::UnixStream::pair()?;
    let fd = std::os::fd::AsFd::as_fd(&socket);
    let plane = dmabroker::BroughtPlane {
        fd,
        offset: 0,
        stride: 0,
    };
    assert!(matches!(
        client.import(&Import::linear(4096, [plane])),
        Err(Error::Invalid(_))
    ));
    client.sync()
}

/// Calls say so, drops do not mind.
fn disconnected() -> Result<()> {
    let client = Client::connect()?;
    let buffer = client.allocate(&linear(4096))?;
    let share = buffer.share(ShareTerms::default())?;
    client.disconnect();
    for error in [
        client.sync().err(),
        buffer.fill(0, ..).map(|_| ()).err(),
        share.revoke().err(),
    ] {
        assert!(matches!(error, Some(Error::Ended(ended)) if !ended.by_daemon));
    }
    assert!(
        client.reconnect(Duration::from_secs(1)).is_err(),
        "it was this client's own doing"
    );
    buffer.map(0)?.write()?.fill(1);
    Ok(())
}

/// A daemon that does not read for a while: what cannot be sent is given up in time, and the connection is good when it reads on.
fn stalled() -> Result<()> {
    let pid = std::env::var("DMABROKER_TEST_PID")
        .ok()
        .and_then(|pid| pid.parse().ok());
    let pid = pid
        .and_then(Pid::from_raw)
        .expect("a daemon that may be stopped");
    let client = Client::connect()?;
    let buffers = client.allocate_many(&linear(4096), 40)?;
    client.set_timeout(Some(Duration::from_millis(1)));
    kill_process(pid, Signal::Stop)?;
    // More than the socket takes, and the buffer before it: some hundred messages each.
    let mut unanswered = 0;
    while unanswered < 1000 {
        match client.sync() {
            Err(Error::TimedOut) => unanswered += 1,
            // It does not stand still yet.
            Ok(()) => {}
            Err(error) => return Err(error),
        }
    }
    drop(buffers);
    assert!(matches!(
        client.allocate(&linear(4096)),
        Err(Error::TimedOut)
    ));
    kill_process(pid, Signal::Cont)?;
    client.set_timeout(None);
    client.sync()?;
    client.allocate(&linear(4096)).map(|_| ())
}

/// A promise of the page, which the compiler keeps.
#[test]
fn for_any_thread() {
    fn is<T: Send + Sync>() {}
    is::<Client>();
    is::<dmabroker::Buffer>();
    is::<dmabroker::Pending>();
    is::<dmabroker::Share>();
    is::<dmabroker::Events>();
    is::<dmabroker::Mapping>();
    is::<Error>();
}
