//! A buffer that outlives its daemon: says `ready`, waits for a line on standard input while the daemon is killed and started again,
//! goes on with the same memory, and says what has become of it.

use std::io::stdin;
use std::time::Duration;

use dmabroker::{Client, Error, HandleType, Request, Result, ShareTerms};

fn main() -> Result<()> {
    let client = Client::connect()?;
    let request = Request::linear(8192)
        .handle_types(HandleType::DmaBuf | HandleType::Memfd)
        .name("moving");
    let mut buffer = client.allocate(&request)?;
    let mut mapping = buffer.map(0)?;
    mapping.write()?.copy_from(4096, b"still here")?;
    println!("ready");
    stdin().read_line(&mut String::new())?;
    match buffer.fill(0, 0..4096) {
        Err(error) if error.is_restart() => println!("ended: {error}"),
        other => return other.map(|_| ()),
    }
    let next = client.reconnect(Duration::from_secs(30))?;
    match buffer.move_to(&next) {
        Ok(moved) => {
            println!("{moved:?}");
            buffer.fill(0, 0..4096)?;
            let theirs = next.redeem(&buffer.share(ShareTerms::default())?.token)?;
            assert_eq!(
                theirs.map_read_only(0)?.read()?.to_vec(4096, 10)?,
                b"still here"
            );
        }
        Err(Error::Refused(refusal)) => println!("gone: {}", refusal.code),
        Err(error) => return Err(error),
    }
    assert_eq!(
        mapping.read()?.to_vec(4096, 10)?,
        b"still here",
        "its memory is good all the same"
    );
    Ok(())
}
