//! The check that the listen ports are free, before any file is written or any service is started.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::error::{CommandError, ErrorCode};

/// A listener that a service is going to open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenPort {
    /// The owner of the port, for messages.
    pub(crate) owner: &'static str,
    /// The command-line option that sets another port.
    pub(crate) option: &'static str,
    /// The listen address.
    pub(crate) address: SocketAddr,
}

/// The time that the services of a killed supervisor need to notice it and exit.
const ORPHAN_EXIT_TIMEOUT: Duration = Duration::from_secs(8);
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Checks that every port can be bound.
///
/// After a crash of the last supervisor its services may still be exiting, so a port that is in use is tried again for
/// a few seconds.
///
/// # Errors
/// Names the first port that cannot be bound, and the option that sets another.
pub(crate) async fn ensure_free(ports: &[ListenPort], after_a_crash: bool) -> Result<(), CommandError> {
    for (index, port) in ports.iter().enumerate() {
        let twin = ports
            .iter()
            .skip(index + 1)
            .find(|other| other.address == port.address);
        if let Some(twin) = twin {
            return Err(CommandError::new(
                ErrorCode::Usage,
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
            ORPHAN_EXIT_TIMEOUT
        } else {
            Duration::ZERO
        };
    for port in ports {
        while let Err(failure) = try_bind(port) {
            if Instant::now() >= until {
                return Err(failure);
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }
    Ok(())
}

/// Binds the port and releases it at once.
pub(crate) fn try_bind(port: &ListenPort) -> Result<(), CommandError> {
    let ListenPort {
        owner,
        option,
        address,
    } = port;
    let number = address.port();
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(CommandError::new(
            ErrorCode::Conflict,
            format!("port {number} for {owner} is taken: another program listens on {address}"),
        )
        .hint(format!(
            "Stop that program (`ss -ltnp 'sport = :{number}'` shows which it is), or choose another port with \
             {option} N."
        ))),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(CommandError::new(
            ErrorCode::Denied,
            format!("this user may not listen on port {number} for {owner}"),
        )
        .hint(format!("Choose a port above 1023 with {option} N."))),
        Err(error) => Err(CommandError::new(
            ErrorCode::Failed,
            format!("cannot listen on {address} for {owner}: {error}"),
        )
        .hint(format!("Choose another port with {option} N, or change `listen` in the configuration."))),
    }
}
