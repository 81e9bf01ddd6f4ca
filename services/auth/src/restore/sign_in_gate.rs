//! Sign-in stays closed after a restoration until what the user service knows was heard once: the backup may have people,
//! with their passwords, who were deleted or disabled since.
//!
//! Whatever lets a person in answers 503 meanwhile. The service stays ready and serves everything else, because the user
//! service cannot be heard without it: it needs the key set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::db::DbError;
use chassis::health::Health;
use chassis::http::Problem;
use chassis::retry::Failures;
use chassis::shutdown::Shutdown;
use events::reconcile::{Kind, ReconcileError, Report};
use events::restore::{is_catching_up, note_caught_up};
use http::StatusCode;
use oidc::error::{ErrorCode, OAuthError};
use uuid::Uuid;

use crate::app::{App, SharedApp};
use crate::pages::{self, ErrorPage};
use crate::subjects;

/// What the probe of readiness says meanwhile.
const READINESS_NOTE: &str = "restored: sign-in is closed until the user service was heard";
/// What people and programs are told.
const CLOSED_MESSAGE: &str = "The service was restored from a backup and is catching up with what happened since. Please try again in a moment.";
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// The pauses between tries: at first services that start together miss each other.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// Failures that are ordinary while the user service starts.
const TOLERATED_FAILURES: u32 = 4;
/// After how many comparisons that left somebody behind the others get in.
const ATTEMPTS_BEFORE_SUSPENDING: u32 = 3;

/// Whether sign-in is closed after a restoration. Open by default. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SignInGate(Arc<AtomicBool>);

impl SignInGate {
    fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set_closed(&self, closed: bool) {
        self.0.store(closed, Ordering::Release);
        metrics::gauge!("vestibule_restoration_pending").set(f64::from(u8::from(closed)));
    }
}

/// Why sign-in stays closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CatchUpError {
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("{0} people could not be brought up to date")]
    Unrepaired(u64),
}

/// Closes sign-in if this database was restored and has not caught up since. After [`super::after_restore`], before anything is
/// served.
///
/// # Errors
/// When the database fails.
pub(crate) async fn close_sign_in(app: &App, health: &Health) -> Result<(), DbError> {
    let pending = is_catching_up(&mut app.db.reader().await?).await?;
    app.sign_in_gate.set_closed(pending);
    if pending {
        health.note(READINESS_NOTE);
        tracing::warn!(
            "sign-in is closed until the user service was heard, because the database was restored"
        );
    }
    Ok(())
}

/// Catches up with the user service and opens sign-in, if it is closed. Every replica runs it; to catch up twice is as
/// good as once.
pub(crate) async fn open_sign_in(app: SharedApp, health: Health, shutdown: Shutdown) {
    let mut failures =
        Failures::new("sign-in stays closed: a restored service cannot catch up with the user service")
            .with_pauses(BACKOFF.0, BACKOFF.1)
            .tolerating(TOLERATED_FAILURES);
    let mut failed_attempts = 0;
    while app.sign_in_gate.is_closed() {
        let outcome = tokio::select! {
            outcome = catch_up(&app, failed_attempts >= ATTEMPTS_BEFORE_SUSPENDING) => outcome,
            () = shutdown.cancelled() => return,
        };
        let Err(error) = outcome else {
            failures.succeeded();
            app.sign_in_gate.set_closed(false);
            health.note_over(READINESS_NOTE);
            tracing::info!("the restored service has caught up with the user service; sign-in is open");
            return;
        };
        failed_attempts += u32::from(matches!(error, CatchUpError::Unrepaired(_)));
        let pause = failures.failed(&error);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Compares with the user service and takes over what is newer there. People who cannot be brought up to date keep sign-in
/// closed, unless `suspending` says that they alone shall not get in.
async fn catch_up(app: &App, suspending: bool) -> Result<(), CatchUpError> {
    if !is_catching_up(&mut app.db.reader().await?).await? {
        // Another replica has.
        return Ok(());
    }
    let report = app.operations.reconciliation().catch_up().await?;
    open_after_reconciliation(app, &report, suspending).await
}

/// Draws the consequences of a comparison.
pub(super) async fn open_after_reconciliation(
    app: &App,
    report: &Report,
    suspending: bool,
) -> Result<(), CatchUpError> {
    let left = report.left(Kind::Missing) + report.left(Kind::Behind);
    let named = report
        .differences
        .iter()
        .filter(|difference| difference.kind.is_repairable());
    let named: Vec<Uuid> = named.map(|difference| difference.id).collect();
    // A report that names only some of them tells of a failure of all rather than of some people.
    if left > 0 && (!suspending || named.len() as u64 != left) {
        return Err(CatchUpError::Unrepaired(left));
    }
    let mut tx = app.db.begin("caught_up").await?;
    for id in &named {
        subjects::suspend(app, &mut tx, *id).await?;
    }
    note_caught_up(&mut tx).await?;
    tx.commit().await?;
    for id in named {
        tracing::error!(
            event.action = "person-suspended",
            event.outcome = "success",
            user.target.id = %id,
            "what the user service says of a person cannot be taken over, so they cannot sign in after the restoration"
        );
    }
    let unknown = report.left(Kind::Unknown);
    if unknown > 0 {
        tracing::error!(
            people = unknown,
            "the restored service has people whom the user service does not know; they can sign in"
        );
    }
    Ok(())
}

/// Around pages that let people in: an error page with 503 while sign-in is closed.
pub(crate) async fn gate_page(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    if !app.sign_in_gate.is_closed() {
        return next.run(request).await;
    }
    let page = ErrorPage::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "We will be right back",
        CLOSED_MESSAGE,
    )
    .with_retry_after(RETRY_AFTER);
    pages::error_page(&app.pages, &page)
}

/// Around programs' ways to sign people in: a problem with 503 while sign-in is closed.
pub(crate) async fn gate_api(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    match check_people_admitted(&app) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Refuses what a person asks for with a token while sign-in is closed: it may be a token of the backup, and the person
/// disabled since.
///
/// # Errors
/// 503.
pub(crate) fn check_people_admitted(app: &App) -> Result<(), Problem> {
    match app.sign_in_gate.is_closed() {
        false => Ok(()),
        true => Err(Problem::unavailable(RETRY_AFTER).detail(CLOSED_MESSAGE)),
    }
}

/// Refuses to give tokens of a person while sign-in is closed.
///
/// # Errors
/// `temporarily_unavailable`, with 503.
pub(crate) fn check_tokens_issued(app: &App) -> Result<(), OAuthError> {
    match app.sign_in_gate.is_closed() {
        false => Ok(()),
        true => Err(ErrorCode::TemporarilyUnavailable.because(CLOSED_MESSAGE)),
    }
}
