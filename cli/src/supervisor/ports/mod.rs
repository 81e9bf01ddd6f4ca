//! Whether the ports are free, asked before anything is written or started.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::failure::{Code, Failure};

/// A listener that a service is going to open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    /// Whose it is, for messages.
    pub(crate) owner: &'static str,
    /// The option that chooses another.
    pub(crate) option: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// How long the services of a supervisor that was killed may take to notice and leave.
const ORPHANS_LEAVE: Duration = Duration::from_secs(8);
const RETRY: Duration = Duration::from_millis(50);

/// Makes sure that every port can be bound.
///
/// After a crash of the last supervisor its services may still be ending, so that a taken port is asked again for a
/// few seconds.
///
/// # Errors
/// Names the first port that cannot be had, and the option that chooses another.
pub(crate) async fn check(ports: &[Port], after_a_crash: bool) -> Result<(), Failure> {
    for (index, port) in ports.iter().enumerate() {
        let twin = ports
            .iter()
            .skip(index + 1)
            .find(|other| other.address == port.address);
        if let Some(twin) = twin {
            return Err(Failure::new(
                Code::Usage,
                format!(
                    "{} is asked for twice: for {} and for {}",
                    port.address, port.owner, twin.owner
                ),
            )
            .hint(format!("Choose another with {} or {}.", port.option, twin.option)));
        }
    }
    let until = Instant::now()
        + if after_a_crash {
            ORPHANS_LEAVE
        } else {
            Duration::ZERO
        };
    for port in ports {
        while let Err(failure) = try_bind(port) {
            if Instant::now() >= until {
                return Err(failure);
            }
            tokio::time::sleep(RETRY).await;
        }
    }
    Ok(())
}

/// Binds and lets go.
pub(crate) fn try_bind(port: &Port) -> Result<(), Failure> {
    let Port {
        owner,
        option,
        address,
    } = port;
    let number = address.port();
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(Failure::new(
            Code::Conflict,
            format!("port {number} for {owner} is taken: another program listens on {address}"),
        )
        .hint(format!(
            "Stop that program (`ss -ltnp 'sport = :{number}'` shows which it is), or choose another port with \
             {option} N."
        ))),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::new(
            Code::Denied,
            format!("this user may not listen on port {number} for {owner}"),
        )
        .hint(format!("Choose a port above 1023 with {option} N."))),
        Err(error) => Err(Failure::new(
            Code::Failed,
            format!("cannot listen on {address} for {owner}: {error}"),
        )
        .hint(format!("Choose another port with {option} N, or mend `listen` in the configuration."))),
    }
}
