//! Ctrl-C and its kin.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Printer, Stop};
use crate::logs::Level;

/// A wrapper may pass on a signal that the terminal has sent already: what comes this soon is the same Ctrl-C.
const ECHO: Duration = Duration::from_millis(400);

/// Turns the first SIGINT, SIGTERM or SIGHUP into [`Stop::Drain`] and a second into [`Stop::Kill`].
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn stop_on_signals(
    stop: watch::Sender<Stop>,
    printer: Printer,
) -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        for (state, message) in [
            (Stop::Drain, "ending; Ctrl-C again ends at once"),
            (Stop::Kill, "ending at once"),
        ] {
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
            };
            next().await;
            stop.send_replace(state);
            printer.notice(Level::Info, message.to_owned(), &[]).await;
            let _ = timeout(ECHO, async {
                loop {
                    next().await;
                }
            })
            .await;
        }
    })
}
