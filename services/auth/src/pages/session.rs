//! The session of a browser: the current session, and the responses and cookies of a sign-in.

use std::time::Duration;

use axum::response::Response;
use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::secret::Token;
use http::HeaderMap;
use uuid::Uuid;

use crate::accounts::SignedIn;
use crate::app::App;
use crate::form_submissions::SubmissionOutcome;
use crate::html::cookies::Cookie;
use crate::html::page_error::PageError;
use crate::html::return_to::ReturnTo;
use crate::registration::proof::PROOF_LIFETIME;
use crate::sessions::{Session, StartError};
use chassis::http::ClientInfo;

/// The lifetime of the device cookie.
const DEVICE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// The live session of the browser.
pub(crate) async fn current(app: &App, headers: &HeaderMap) -> Result<Option<Session>, DbError> {
    match app.pages.session_token(headers) {
        Some(token) => app.sessions.find(&token).await,
        None => Ok(None),
    }
}

/// Signs a person in at this browser: starts a session or renews the current one of the same account. The
/// token is new in either case (SB-12). The session of another account ends. Returns `None` when the account
/// may not sign in any more.
pub(crate) async fn sign_in_browser(
    app: &App,
    headers: &HeaderMap,
    client: &ClientInfo,
    who: &SignedIn,
    return_to: &ReturnTo,
) -> Result<Option<Response>, PageError> {
    let before = current(app, headers).await?;
    let mut tx = app.db.begin("pages_sign_in").await?;
    let started = match app
        .sessions
        .start_or_renew(&mut tx, before.as_ref(), who, client)
        .await
    {
        Ok(started) => started,
        Err(StartError::Refused) => return Ok(None),
        Err(StartError::Db(error)) => return Err(error.into()),
    };
    let device = match who.known_device {
        true => None,
        false => Some(app.accounts.remember_device(&mut tx, who.account_id).await?),
    };
    tx.commit().await?;
    let mut response = app.pages.redirect(return_to.as_str());
    if let Some(device) = device {
        app.pages.set_cookie(
            &mut response,
            Cookie::Device,
            device.expose(),
            Some(DEVICE_LIFETIME),
        );
    }
    app.pages
        .set_cookie(&mut response, Cookie::Session, started.token.expose(), None);
    if app.pages.cookies.read(headers, Cookie::Registration).is_some() {
        app.pages.clear_cookie(&mut response, Cookie::Registration);
    }
    response
        .extensions_mut()
        .insert(SubmissionOutcome::SignedIn(started.session.id));
    Ok(Some(response))
}

/// The response to a repeated form: a redirect to where the first one led, with a new token of the same
/// session or a new proof of the same registration, when it is still live.
pub(crate) async fn repeat_outcome(
    app: &App,
    headers: &HeaderMap,
    outcome: SubmissionOutcome,
    return_to: &ReturnTo,
) -> Result<Response, PageError> {
    let id = match outcome {
        SubmissionOutcome::SignedIn(session) => session,
        SubmissionOutcome::Registering(id) => {
            let mut response = app.pages.redirect(&registration_status_path(id, return_to));
            if let Some(browser) = app.pages.cookies.read(headers, Cookie::Browser)
                && let Some(proof) = app.registrations.replace_proof(id, &browser).await?
            {
                set_proof_cookie(app, &mut response, &proof);
            }
            return Ok(response);
        }
    };
    let mut response = app.pages.redirect(return_to.as_str());
    let mut tx = app.db.begin("pages_sign_in_again").await?;
    let Some((account, token)) = app.sessions.replace_token(&mut tx, id).await? else {
        return Ok(app.pages.redirect("/login"));
    };
    let device = match app.pages.cookies.read(headers, Cookie::Device) {
        Some(_) => None,
        None => Some(app.accounts.remember_device(&mut tx, account).await?),
    };
    tx.commit().await?;
    if let Some(device) = device {
        let lifetime = Some(DEVICE_LIFETIME);
        app.pages
            .set_cookie(&mut response, Cookie::Device, device.expose(), lifetime);
    }
    app.pages
        .set_cookie(&mut response, Cookie::Session, token.expose(), None);
    Ok(response)
}

/// Redirects the browser to the status page of the registration `id`, with a proof cookie that signs it in
/// once.
pub(crate) async fn redirect_to_registration_status(
    app: &App,
    headers: &HeaderMap,
    id: Uuid,
    return_to: &ReturnTo,
) -> Result<Response, DbError> {
    let mut response = app.pages.redirect(&registration_status_path(id, return_to));
    if let Some(browser) = app.pages.cookies.read(headers, Cookie::Browser) {
        let proof = app.registrations.issue_proof(id, &browser).await?;
        set_proof_cookie(app, &mut response, &proof);
    }
    response
        .extensions_mut()
        .insert(SubmissionOutcome::Registering(id));
    Ok(response)
}

/// The path of the status page of the registration `id`.
pub(crate) fn registration_status_path(id: Uuid, return_to: &ReturnTo) -> String {
    return_to.link(&format!("/register/wait?id={id}"))
}

fn set_proof_cookie(app: &App, response: &mut Response, proof: &Token) {
    app.pages.set_cookie(
        response,
        Cookie::Registration,
        proof.expose(),
        Some(PROOF_LIFETIME),
    );
}

/// Whether this browser has a valid proof of the registration `id`.
pub(crate) async fn has_proof(app: &App, headers: &HeaderMap, id: Uuid) -> Result<bool, DbError> {
    match proof_cookies(app, headers) {
        Some((proof, browser)) => app.registrations.is_proof_valid(id, &proof, &browser).await,
        None => Ok(false),
    }
}

/// Redeems the proof of the registration `id` at this browser. Returns when the password was given. It works
/// once.
pub(crate) async fn redeem_proof(
    app: &App,
    headers: &HeaderMap,
    id: Uuid,
) -> Result<Option<Timestamp>, DbError> {
    match proof_cookies(app, headers) {
        Some((proof, browser)) => app.registrations.redeem_proof(id, &proof, &browser).await,
        None => Ok(None),
    }
}

fn proof_cookies(app: &App, headers: &HeaderMap) -> Option<(Token, Token)> {
    let cookies = &app.pages.cookies;
    cookies
        .read(headers, Cookie::Registration)
        .zip(cookies.read(headers, Cookie::Browser))
}
