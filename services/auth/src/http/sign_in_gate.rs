//! The sign-in gate of the endpoints for programs: 503 while sign-in is closed after a restoration.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::http::Problem;
use oidc::error::{ErrorCode, OAuthError};

use crate::restore::{CLOSED_MESSAGE, RETRY_AFTER, SignInGate};

/// Middleware of API routes that sign people in: a problem document with 503 while sign-in is closed.
pub(crate) async fn gate_api(State(gate): State<SignInGate>, request: Request, next: Next) -> Response {
    match check_people_admitted(&gate) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Rejects requests with a token of a subject while sign-in is closed. The subject may have been disabled
/// since the backup.
///
/// # Errors
/// 503.
pub(crate) fn check_people_admitted(gate: &SignInGate) -> Result<(), Problem> {
    match gate.is_closed() {
        false => Ok(()),
        true => Err(Problem::unavailable(RETRY_AFTER).detail(CLOSED_MESSAGE)),
    }
}

/// Rejects token requests for a subject while sign-in is closed.
///
/// # Errors
/// `temporarily_unavailable`, with 503.
pub(crate) fn check_tokens_issued(gate: &SignInGate) -> Result<(), OAuthError> {
    match gate.is_closed() {
        false => Ok(()),
        true => Err(ErrorCode::TemporarilyUnavailable.because(CLOSED_MESSAGE)),
    }
}
