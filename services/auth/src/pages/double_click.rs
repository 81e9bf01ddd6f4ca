//! Idempotent form submissions: a double click sends a form twice, and it is processed once.
//!
//! The second submission is redirected to where the first one led, with a new token of the same session,
//! because the browser may have dropped the first response with its cookies.
//!
//! The cost of abuse is bounded. A submission is claimed only when it would be processed. A waiting request
//! ends with its connection, and few wait at once.

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::Response;
use chassis::http::{Pairs, Problem};
use chassis::telemetry::TraceContext;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

use super::session::BrowserSessions;
use crate::app::SharedApp;
use crate::form_submissions::{
    FormSubmissions, SubmissionClaim, SubmissionKey, SubmissionOutcome, SubmissionState,
};
use crate::html::Pages;
use crate::html::cookies::Cookie;
use crate::html::csrf::is_same_origin;
use crate::html::page_error::PageError;
use crate::html::return_to::ReturnTo;

/// The value of `Retry-After` while the first submission is still in progress.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A parsed form, in which every field is known and there once, and its submission.
pub(crate) struct SubmittedForm<T> {
    pub(crate) form: T,
    pub(crate) submission: Submission,
}

/// The identity of a form submission: a digest of its path and its fields, and its token.
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
            // The lengths make the encoding of the fields unambiguous.
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

/// A form submission, as [`FormProcessor::process_once`] needs it.
pub(crate) struct FormSubmission<'a, F> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) submission: &'a Submission,
    pub(crate) return_to: &'a ReturnTo,
    /// Resolves to true if the form would be processed: it is complete and the throttle admits it. Otherwise
    /// nothing is written. It is evaluated only for a form of our own pages that did not come before.
    pub(crate) is_admitted: F,
}

/// Processes forms once.
#[derive(Clone)]
pub(crate) struct FormProcessor {
    pages: Arc<Pages>,
    submissions: FormSubmissions,
    browser: BrowserSessions,
}

impl FromRef<SharedApp> for FormProcessor {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: Arc::clone(&app.pages),
            submissions: app.form_submissions.clone(),
            browser: BrowserSessions::from_ref(app),
        }
    }
}

impl FormProcessor {
    /// Runs `work`, unless the same browser sent the same form a moment ago. A response has its
    /// [`SubmissionOutcome`] among its extensions. A response without one is not recorded.
    pub(crate) async fn process_once(
        &self,
        form: FormSubmission<'_, impl Future<Output = Result<bool, PageError>>>,
        work: impl Future<Output = Result<Response, PageError>> + Send + 'static,
    ) -> Result<Response, PageError> {
        let Some(key) = self.submission_key(&form) else {
            return work.await;
        };
        let mut work = work;
        let mut state = self.submissions.state(key).await?;
        if state == SubmissionState::Unknown {
            // When the first submission has signed the person in, the form token belongs to no session any more.
            let good = self.pages.check_form(form.headers, &form.submission.csrf).is_ok();
            if !good || !form.is_admitted.await? {
                return work.await;
            }
            match run_to_completion(self.submissions.clone(), key, work).await? {
                ClaimRace::First(answer) => return answer,
                ClaimRace::Later(undone) => work = undone,
            }
            state = SubmissionState::InProgress;
        }
        if state == SubmissionState::InProgress {
            state = self.wait_for_first(key).await?;
        }
        match state {
            SubmissionState::Done(outcome) => {
                self.browser
                    .repeat_outcome(form.headers, outcome, form.return_to)
                    .await
            }
            SubmissionState::Unknown => work.await,
            SubmissionState::InProgress => Err(try_again_later()),
        }
    }

    fn submission_key<F>(&self, form: &FormSubmission<'_, F>) -> Option<SubmissionKey> {
        let browser = self.pages.cookies.read(form.headers, Cookie::Browser)?;
        is_same_origin(form.headers, &self.pages.origin)
            .then(|| self.pages.csrf.submission_key(&browser, &form.submission.digest))
    }

    async fn wait_for_first(&self, key: SubmissionKey) -> Result<SubmissionState, PageError> {
        let Ok(_permit) = self.pages.waiting_submissions.try_acquire() else {
            return Err(try_again_later());
        };
        Ok(self.submissions.wait_until_done(key).await?)
    }
}

fn try_again_later() -> PageError {
    Problem::unavailable(RETRY_AFTER).into()
}

/// The result of claiming a submission.
enum ClaimRace<W> {
    /// This was the first submission. It has this response.
    First(Result<Response, PageError>),
    /// Another submission was the first. The work was not run.
    Later(W),
}

/// Claims the submission and runs its work in a task. A second click makes the browser close the first
/// connection, and the claimed work has to be completed all the same.
#[expect(
    clippy::disallowed_methods,
    reason = "the request waits for the task; it goes on alone only when the browser has gone"
)]
async fn run_to_completion<W>(
    submissions: FormSubmissions,
    key: SubmissionKey,
    work: W,
) -> Result<ClaimRace<W>, PageError>
where
    W: Future<Output = Result<Response, PageError>> + Send + 'static,
{
    let task = async move {
        match submissions.claim(key).await? {
            Some(claim) => Ok(ClaimRace::First(run_claimed(submissions, claim, work).await)),
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
    submissions: FormSubmissions,
    claim: SubmissionClaim,
    work: impl Future<Output = Result<Response, PageError>> + Send,
) -> Result<Response, PageError> {
    let answer = work.await;
    let outcome = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.extensions().get::<SubmissionOutcome>().copied());
    let noted = match outcome {
        Some(outcome) => submissions.finish(claim, outcome).await,
        None => submissions.release(claim).await,
    };
    if let Err(error) = noted {
        tracing::warn!(error.message = %error, "outcome of a form submission not stored: a repetition waits for it, then fails");
    }
    answer
}
