//! A form that is sent twice within moments does its work once. The second is redirected to where the first one led, with
//! a new token of the same sign-in: the browser may have thrown the first answer away, cookies included.
//!
//! What a stranger can make of it is bounded: a form is noted only when it would be worked on, whoever waits for another
//! one gives up with the connection, and few wait at once.

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use chassis::http::{Pairs, Problem};
use chassis::telemetry::TraceContext;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tracing::Instrument;

use super::cookies::Cookie;
use super::csrf::is_same_origin;
use super::page_error::PageError;
use super::return_to::ReturnTo;
use super::session;
use crate::app::{App, SharedApp};
use crate::form_submissions::{self, SubmissionClaim, SubmissionKey, SubmissionOutcome, SubmissionState};

/// Requests that wait at once for the form before them, in one process.
pub(crate) const MAX_WAITING: usize = 64;

/// When to try again while the form before is still in work.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A form, every field of it known and there once, and what makes it out.
pub(crate) struct SubmittedForm<T> {
    pub(crate) form: T,
    pub(crate) submission: Submission,
}

/// What makes a form out that was sent: where to, and all of its fields.
pub(crate) struct Submission {
    digest: Vec<u8>,
    csrf: String,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for SubmittedForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let path = request.uri().path().to_owned();
        let pairs = Pairs::from_request(request, state).await?;
        let mut digest = Context::new(&SHA256);
        let fields = pairs.iter().flat_map(|(name, value)| [name, value]);
        for text in std::iter::once(path.as_str()).chain(fields) {
            // The lengths keep one form from reading like another.
            digest.update(&text.len().to_be_bytes());
            digest.update(text.as_bytes());
        }
        let submission = Submission {
            digest: digest.finish().as_ref().to_vec(),
            csrf: pairs.get("csrf").unwrap_or_default().to_owned(),
        };
        Ok(Self {
            form: pairs.read()?,
            submission,
        })
    }
}

/// A form, and what a second click on it needs to know.
pub(crate) struct FormSubmission<'a, F> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) submission: &'a Submission,
    pub(crate) return_to: &'a ReturnTo,
    /// Whether the form would be worked on: nothing that is missing, and no delay that is not over. If not, nothing of it is
    /// written. Asked only for a form of this service's pages that did not come before: others cost no read.
    pub(crate) is_admitted: F,
}

/// Does `work`, unless the same form came from the same browser a moment ago. An answer says what came of it with an
/// [`SubmissionOutcome`] among its extensions; one without it is no sign-in, and is not kept.
pub(crate) async fn process_once(
    app: SharedApp,
    form: FormSubmission<'_, impl Future<Output = Result<bool, PageError>>>,
    work: impl Future<Output = Result<Response, PageError>> + Send + 'static,
) -> Result<Response, PageError> {
    let Some(key) = submission_key(&app, &form) else {
        return work.await;
    };
    let mut work = work;
    let mut state = form_submissions::state(&app, key).await?;
    if state == SubmissionState::Unknown {
        // The token of a form whose first sending signed the person in belongs to no session any more.
        let good = app.pages.check_form(form.headers, &form.submission.csrf).is_ok();
        if !good || !form.is_admitted.await? {
            return work.await;
        }
        match run_to_completion(app.clone(), key, work).await? {
            ClaimRace::First(answer) => return answer,
            ClaimRace::Later(undone) => work = undone,
        }
        state = SubmissionState::InProgress;
    }
    if state == SubmissionState::InProgress {
        state = wait_for_first(&app, key).await?;
    }
    match state {
        SubmissionState::Done(outcome) => {
            session::repeat_outcome(&app, form.headers, outcome, form.return_to).await
        }
        SubmissionState::Unknown => work.await,
        SubmissionState::InProgress => Err(try_again_later()),
    }
}

fn submission_key<F>(app: &App, form: &FormSubmission<'_, F>) -> Option<SubmissionKey> {
    let browser = app.pages.cookies.read(form.headers, Cookie::Browser)?;
    is_same_origin(form.headers, &app.pages.origin)
        .then(|| app.pages.csrf.submission_key(&browser, &form.submission.digest))
}

async fn wait_for_first(app: &App, key: SubmissionKey) -> Result<SubmissionState, PageError> {
    let Ok(_permit) = app.pages.waiting_submissions.try_acquire() else {
        return Err(try_again_later());
    };
    Ok(form_submissions::wait_until_done(app, key).await?)
}

fn try_again_later() -> PageError {
    Problem::unavailable(RETRY_AFTER).into()
}

/// What became of clicks that came at once.
enum ClaimRace<W> {
    /// This was the first: its answer.
    First(Result<Response, PageError>),
    /// Another was the first: the work that was not done.
    Later(W),
}

/// Does the work of the first click. A second click makes the browser hang up on it, and from the claim on it must come to
/// its end all the same: in a task.
#[expect(
    clippy::disallowed_methods,
    reason = "the request waits for the task; it goes on alone only when the browser has gone"
)]
async fn run_to_completion<W>(app: SharedApp, key: SubmissionKey, work: W) -> Result<ClaimRace<W>, PageError>
where
    W: Future<Output = Result<Response, PageError>> + Send + 'static,
{
    let task = async move {
        match form_submissions::claim(&app, key).await? {
            Some(claim) => Ok(ClaimRace::First(run_claimed(app, claim, work).await)),
            None => Ok(ClaimRace::Later(work)),
        }
    };
    let task = task.instrument(tracing::Span::current());
    let task = match TraceContext::current() {
        Some(trace) => tokio::spawn(trace.scope(task)),
        None => tokio::spawn(task),
    };
    match task.await {
        Ok(raced) => raced,
        Err(error) => Err(Problem::internal(&error).into()),
    }
}

async fn run_claimed(
    app: SharedApp,
    claim: SubmissionClaim,
    work: impl Future<Output = Result<Response, PageError>> + Send,
) -> Result<Response, PageError> {
    let answer = work.await;
    let outcome = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.extensions().get::<SubmissionOutcome>().copied());
    let noted = match outcome {
        Some(outcome) => form_submissions::finish(&app, claim, outcome).await,
        None => form_submissions::release(&app, claim).await,
    };
    if let Err(error) = noted {
        tracing::warn!(error.message = %error, "a second click on the form will not be recognised");
    }
    answer
}
