//! The control routes with which the driver commands a worker.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use chassis::clock::{Clock, SharedClock, SystemClock, Timestamp};
use http::StatusCode;
use tokio::sync::{RwLock, RwLockReadGuard};

use super::CrashPoint;

/// The state that the driver has set. It is cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Control(Arc<ControlState>);

#[derive(Debug, Default)]
struct ControlState {
    armed: Mutex<Option<CrashPoint>>,
    /// Seconds by which the clock is wrong.
    skew: AtomicI64,
    quiet: AtomicBool,
    /// Shared by the writers, each for as long as it writes.
    writing: RwLock<()>,
}

impl Control {
    /// True if the worker is to die at `point`.
    pub(super) fn is_armed(&self, point: CrashPoint) -> bool {
        *self.0.armed.lock().unwrap_or_else(PoisonError::into_inner) == Some(point)
    }

    /// Leave to write, until it is dropped. None while the writers rest.
    pub(super) async fn write_permit(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let writing = self.0.writing.read().await;
        (!self.0.quiet.load(Ordering::SeqCst)).then_some(writing)
    }

    /// Has the writers rest, or work. It returns only when none of them is in the middle of something. A
    /// caller that does not wait for that has still been heard.
    pub(super) async fn pause_writers(&self, quiet: bool) {
        self.0.quiet.store(quiet, Ordering::SeqCst);
        drop(self.0.writing.write().await);
    }

    /// The machine's clock, and how wrong it is made.
    pub(super) fn clock(&self) -> SharedClock {
        Arc::new(SkewedClock(self.clone()))
    }

    /// `POST /control/arm/POINT`, `/control/arm/none`, `/control/clock/SECONDS`, `/control/quiet/BOOL`.
    pub(super) fn routes(&self) -> Router {
        Router::new()
            .route("/control/arm/{point}", post(arm))
            .route("/control/clock/{seconds}", post(clock))
            .route("/control/quiet/{rest}", post(quiet))
            .with_state(self.clone())
    }
}

async fn arm(State(control): State<Control>, Path(point): Path<String>) -> StatusCode {
    *control.0.armed.lock().unwrap_or_else(PoisonError::into_inner) = point.parse().ok();
    StatusCode::NO_CONTENT
}

async fn clock(State(control): State<Control>, Path(seconds): Path<i64>) -> StatusCode {
    control.0.skew.store(seconds, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

async fn quiet(State(control): State<Control>, Path(rest): Path<bool>) -> StatusCode {
    control.pause_writers(rest).await;
    StatusCode::NO_CONTENT
}

struct SkewedClock(Control);

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let skew = self.0.0.skew.load(Ordering::Relaxed);
        Timestamp::from_micros(SystemClock.now().as_micros() + skew * 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_that_the_writers_rest_while_one_writes() {
        testkit::block_on(async {
            let control = Control::default();
            let leave = control.write_permit().await;
            assert!(leave.is_some());
            let mut rest = std::pin::pin!(control.pause_writers(true));
            assert!(futures_util::poll!(&mut rest).is_pending());
            drop(leave);
            rest.await;
            assert!(control.write_permit().await.is_none());
        });
    }
}
