//! The session of a browser: the current session, and the responses and cookies of a sign-in.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use axum::response::Response;
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError};
use chassis::secret::Token;
use contract::paths::auth::{LOGIN, REGISTER, REGISTRATION_STATUS};
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

use crate::accounts::{Accounts, SignedIn};
use crate::app::SharedApp;
use crate::form_submissions::SubmissionOutcome;
use crate::html::cookies::Cookie;
use crate::html::fields::Errors;
use crate::html::page_error::PageError;
use crate::html::return_to::ReturnTo;
use crate::html::{ErrorPage, Pages};
use crate::registration::proof::PROOF_LIFETIME;
use crate::registration::{RegistrationState, Registrations, Rejection};
use crate::sessions::{Session, Sessions, StartError};
use crate::sign_up::Registered;
use chassis::http::ClientInfo;

/// The lifetime of the device cookie.
const DEVICE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// The session of a browser, and what a sign-in there needs.
#[derive(Clone)]
pub(crate) struct BrowserSessions {
    pages: Arc<Pages>,
    db: Db,
    clock: SharedClock,
    accounts: Accounts,
    sessions: Sessions,
    registrations: Registrations,
}

impl FromRef<SharedApp> for BrowserSessions {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: Arc::clone(&app.pages),
            db: app.db.clone(),
            clock: Arc::clone(&app.clock),
            accounts: app.accounts.clone(),
            sessions: app.sessions.clone(),
            registrations: app.registrations.clone(),
        }
    }
}

impl BrowserSessions {
    /// The live session of the browser.
    pub(crate) async fn current(&self, headers: &HeaderMap) -> Result<Option<Session>, DbError> {
        match self.pages.session_token(headers) {
            Some(token) => self.sessions.find(&token).await,
            None => Ok(None),
        }
    }

    /// Signs a person in at this browser: starts a session or renews the current one of the same account. The
    /// token is new in either case (SB-12). The session of another account ends. Returns `None` when the account
    /// may not sign in any more.
    pub(crate) async fn sign_in_browser(
        &self,
        headers: &HeaderMap,
        client: &ClientInfo,
        who: &SignedIn,
        return_to: &ReturnTo,
    ) -> Result<Option<Response>, PageError> {
        let before = self.current(headers).await?;
        let mut tx = self.db.begin_shared("pages_sign_in").await?;
        let signed_in = async {
            let started = self
                .sessions
                .start_or_renew(&mut tx, before.as_ref(), who, client)
                .await?;
            let device = match who.known_device {
                true => None,
                false => Some(self.accounts.remember_device(&mut tx, who.account_id).await?),
            };
            Ok((started, device))
        }
        .await;
        let (started, device) = match tx.finish(signed_in).await {
            Ok(signed_in) => signed_in,
            Err(StartError::Refused) => return Ok(None),
            Err(StartError::Db(error)) => return Err(error.into()),
        };
        let mut response = self.pages.redirect(return_to.as_str());
        if let Some(device) = device {
            self.pages.set_cookie(
                &mut response,
                Cookie::Device,
                device.expose(),
                Some(DEVICE_LIFETIME),
            );
        }
        self.pages
            .set_cookie(&mut response, Cookie::Session, started.token.expose(), None);
        if self.pages.cookies.read(headers, Cookie::Registration).is_some() {
            self.pages.clear_cookie(&mut response, Cookie::Registration);
        }
        response
            .extensions_mut()
            .insert(SubmissionOutcome::SignedIn(started.session.id));
        Ok(Some(response))
    }

    /// The response to a repeated form: a redirect to where the first one led, with a new token of the same
    /// session or a new proof of the same registration, when it is still live.
    pub(crate) async fn repeat_outcome(
        &self,
        headers: &HeaderMap,
        outcome: SubmissionOutcome,
        return_to: &ReturnTo,
    ) -> Result<Response, PageError> {
        let id = match outcome {
            SubmissionOutcome::SignedIn(session) => session,
            SubmissionOutcome::Registering(id) => {
                let mut response = self.pages.redirect(&registration_status_path(id, return_to));
                if let Some(browser) = self.pages.cookies.read(headers, Cookie::Browser)
                    && let Some(proof) = self.registrations.replace_proof(id, &browser).await?
                {
                    self.set_proof_cookie(&mut response, &proof);
                }
                return Ok(response);
            }
        };
        let mut response = self.pages.redirect(return_to.as_str());
        let mut tx = self.db.begin("pages_sign_in_again").await?;
        let Some((account, token)) = self.sessions.replace_token(&mut tx, id).await? else {
            return Ok(self.pages.redirect(LOGIN));
        };
        let device = match self.pages.cookies.read(headers, Cookie::Device) {
            Some(_) => None,
            None => Some(self.accounts.remember_device(&mut tx, account).await?),
        };
        tx.commit().await?;
        if let Some(device) = device {
            let lifetime = Some(DEVICE_LIFETIME);
            self.pages
                .set_cookie(&mut response, Cookie::Device, device.expose(), lifetime);
        }
        self.pages
            .set_cookie(&mut response, Cookie::Session, token.expose(), None);
        Ok(response)
    }

    /// Redirects the browser to the status page of the registration `id`, with a proof cookie that signs it in
    /// once.
    pub(crate) async fn redirect_to_registration_status(
        &self,
        headers: &HeaderMap,
        id: Uuid,
        return_to: &ReturnTo,
    ) -> Result<Response, DbError> {
        let mut response = self.pages.redirect(&registration_status_path(id, return_to));
        if let Some(browser) = self.pages.cookies.read(headers, Cookie::Browser) {
            let proof = self.registrations.issue_proof(id, &browser).await?;
            self.set_proof_cookie(&mut response, &proof);
        }
        response
            .extensions_mut()
            .insert(SubmissionOutcome::Registering(id));
        Ok(response)
    }

    /// The response after a registration: a sign-in, a redirect to its status page, or the errors of the form.
    pub(crate) async fn continue_registration(
        &self,
        headers: &HeaderMap,
        client: &ClientInfo,
        registered: Registered,
        return_to: &ReturnTo,
    ) -> Result<Result<Response, Errors>, PageError> {
        let mut errors = Errors::default();
        match registered.state {
            RegistrationState::Active => {
                let who = SignedIn::by_password(registered.id, self.clock.now());
                let begun = self.sign_in_browser(headers, client, &who, return_to).await?;
                return Ok(Ok(
                    begun.unwrap_or_else(|| self.pages.redirect(&return_to.link(LOGIN)))
                ));
            }
            RegistrationState::Pending => {
                return Ok(Ok(self
                    .redirect_to_registration_status(headers, registered.id, return_to)
                    .await?));
            }
            RegistrationState::Rejected(Rejection::UserNameTaken) => {
                errors.add(
                    "user_name",
                    "Somebody has this user name already, or one that looks like it. Choose another one.",
                );
            }
            RegistrationState::Rejected(Rejection::UserNameReserved) => {
                errors.add("user_name", "This user name is reserved. Choose another one.");
            }
            RegistrationState::Rejected(Rejection::Invalid) => {
                errors.add("user_name", "This user name cannot be used. Choose another one.");
            }
            RegistrationState::Expired => return Err(expired().into()),
        }
        Ok(Err(errors))
    }

    fn set_proof_cookie(&self, response: &mut Response, proof: &Token) {
        self.pages.set_cookie(
            response,
            Cookie::Registration,
            proof.expose(),
            Some(PROOF_LIFETIME),
        );
    }

    /// True if this browser has a valid proof of the registration `id`.
    pub(crate) async fn has_proof(&self, headers: &HeaderMap, id: Uuid) -> Result<bool, DbError> {
        match self.proof_cookies(headers) {
            Some((proof, browser)) => self.registrations.is_proof_valid(id, &proof, &browser).await,
            None => Ok(false),
        }
    }

    /// Redeems the proof of the registration `id` at this browser. Returns when the password was given. It works
    /// once.
    pub(crate) async fn redeem_proof(
        &self,
        headers: &HeaderMap,
        id: Uuid,
    ) -> Result<Option<Timestamp>, DbError> {
        match self.proof_cookies(headers) {
            Some((proof, browser)) => self.registrations.redeem_proof(id, &proof, &browser).await,
            None => Ok(None),
        }
    }

    fn proof_cookies(&self, headers: &HeaderMap) -> Option<(Token, Token)> {
        let cookies = &self.pages.cookies;
        cookies
            .read(headers, Cookie::Registration)
            .zip(cookies.read(headers, Cookie::Browser))
    }
}

/// The path of the status page of the registration `id`.
pub(crate) fn registration_status_path(id: Uuid, return_to: &ReturnTo) -> String {
    return_to.link(&format!("{REGISTRATION_STATUS}?id={id}"))
}

fn expired() -> ErrorPage {
    let detail = "Setting up your account took too long. Nothing was kept; please start again.";
    ErrorPage::new(StatusCode::SERVICE_UNAVAILABLE, "That did not work out", detail)
        .with_action("Start again", REGISTER)
}
