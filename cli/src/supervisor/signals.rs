//! Signal handlers: SIGINT, SIGTERM and SIGHUP become stop requests.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Printer, StopRequest};
use crate::logs::LogLevel;

/// A wrapper may pass on a signal that the terminal has already sent. A second signal within this time is the same
/// Ctrl-C.
const DUPLICATE_SIGNAL_WINDOW: Duration = Duration::from_millis(400);

/// Turns the first SIGINT, SIGTERM or SIGHUP into [`StopRequest::Drain`] and a second into [`StopRequest::Kill`].
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn stop_on_signals(
    stop: watch::Sender<StopRequest>,
    printer: Printer,
) -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        for (state, message) in [
            (StopRequest::Drain, "ending; Ctrl-C again ends at once"),
            (StopRequest::Kill, "ending at once"),
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
            printer.log_notice(LogLevel::Info, message.to_owned(), &[]).await;
            let _ = timeout(DUPLICATE_SIGNAL_WINDOW, async {
                loop {
                    next().await;
                }
            })
            .await;
        }
    })
}
