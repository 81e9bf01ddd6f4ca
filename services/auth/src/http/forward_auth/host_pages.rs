//! `/.vestibule/…` at a protected host, which its proxy forwards to this service: the way to the sign-in, the way back, and the sign-out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::http::{Form, Problem, PublicUrl, Query, see_other};
use chassis::random::SharedRandom;
use chassis::secret::Token;
use contract::paths::auth::{FORWARD_AUTH_SIGN_IN, HOST_SIGN_IN, HOST_SIGN_OUT, LOGOUT};
use forward_auth::{Origin, ReturnPath, host_origin};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::sign_in::sign_in_query;
use super::{ForwardAuthEndpoint, TrustedProxy};
use crate::app::SharedApp;
use crate::host_sessions::HostSignIn;
use crate::html::csrf::is_same_origin;
use crate::html::host_cookies::HostCookie;
use crate::html::view::{HostForm, HostPage};
use crate::protected_hosts::ProtectedHost;

/// The lifetime of the nonce, within which a person has to sign in.
const NONCE_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The collaborators of the pages at a host.
#[derive(Clone)]
pub(crate) struct HostPages {
    endpoint: ForwardAuthEndpoint,
    issuer: PublicUrl,
    random: SharedRandom,
}

impl FromRef<SharedApp> for HostPages {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            endpoint: FromRef::from_ref(app),
            issuer: FromRef::from_ref(app),
            random: Arc::clone(&app.random),
        }
    }
}

/// The query of the way to the sign-in.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostSignInQuery {
    /// The path and query to go back to.
    #[serde(default)]
    return_to: String,
}

/// The query of the way back.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackQuery {
    #[serde(default)]
    ticket: String,
}

/// The fields of the sign-out form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostSignOutForm {
    #[serde(default)]
    csrf: String,
}

/// `GET /.vestibule/sign-in`: gives the browser a nonce and sends it to the sign-in.
pub(crate) async fn sign_in(
    _: TrustedProxy,
    State(state): State<HostPages>,
    headers: HeaderMap,
    Query(query): Query<HostSignInQuery>,
) -> Result<Response, Problem> {
    let host = state.host(&headers).await?;
    let known = HostCookie::Nonce.read(&headers, &host.origin);
    let nonce = known.clone().unwrap_or_else(|| state.random.token());
    let hash = URL_SAFE_NO_PAD.encode(nonce.hash().as_bytes());
    let query = sign_in_query(&host.origin, &hash, &ReturnPath::parse(&query.return_to));
    let mut response = see_other(&state.issuer.full(&format!("{FORWARD_AUTH_SIGN_IN}?{query}")));
    if known.is_none() {
        let cookie = HostCookie::Nonce.set(&host.origin, nonce.expose(), Some(NONCE_LIFETIME));
        set_cookie(&mut response, cookie);
    }
    Ok(response)
}

/// `GET /.vestibule/callback`: redeems the ticket, in the browser that has its nonce, and goes on to where the person wanted to be.
pub(crate) async fn callback(
    _: TrustedProxy,
    State(state): State<HostPages>,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, Problem> {
    let host = state.host(&headers).await?;
    let ticket = Token::new(query.ticket);
    let before = HostCookie::Session.read(&headers, &host.origin);
    let redeemed = match HostCookie::Nonce.read(&headers, &host.origin) {
        Some(nonce) => {
            let sent = HostSignIn {
                origin: &host.origin,
                ticket: &ticket,
                nonce: &nonce,
                before: before.as_ref(),
            };
            state.endpoint.sessions.redeem_ticket(sent).await?
        }
        None => None,
    };
    let Some(redeemed) = redeemed else {
        metrics::counter!("vestibule_forward_auth_tickets_total", "outcome" => "rejected").increment(1);
        return Ok(state.invalid_ticket(&host));
    };
    metrics::counter!("vestibule_forward_auth_tickets_total", "outcome" => "redeemed").increment(1);
    tracing::info!(event.action = "host-sign-in", event.outcome = "success", user.id = %redeemed.account_id, protected_host.name = %host.origin, "user signed in at a protected host");
    let mut response = see_other(&redeemed.return_path.on(&host.origin));
    let cookie = HostCookie::Session.set(&host.origin, redeemed.token.expose(), None);
    set_cookie(&mut response, cookie);
    Ok(response)
}

/// `GET /.vestibule/sign-out`: asks for confirmation, or says that the person is signed out.
pub(crate) async fn show_sign_out(
    _: TrustedProxy,
    State(state): State<HostPages>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let host = state.host(&headers).await?;
    let user = state.endpoint.user(&headers, &host.origin).await?;
    let token = HostCookie::Session
        .read(&headers, &host.origin)
        .filter(|_| user.is_some());
    Ok(match token {
        Some(token) => state.confirmation(StatusCode::OK, &host, &token),
        None => state.signed_out(&host),
    })
}

/// `POST /.vestibule/sign-out`: ends the session at this host (SB-16).
pub(crate) async fn submit_sign_out(
    _: TrustedProxy,
    State(state): State<HostPages>,
    headers: HeaderMap,
    Form(form): Form<HostSignOutForm>,
) -> Result<Response, Problem> {
    let host = state.host(&headers).await?;
    if !is_same_origin(&headers, &host.origin.to_string()) {
        let title = "The form was not sent from this host";
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross-site-form", title));
    }
    let Some(token) = HostCookie::Session.read(&headers, &host.origin) else {
        return Ok(see_other(HOST_SIGN_OUT));
    };
    if !state.endpoint.pages.csrf.verify(&form.csrf, Some(&token), None) {
        return Ok(state.confirmation(StatusCode::FORBIDDEN, &host, &token));
    }
    state.endpoint.sessions.end(&token, &host.origin).await?;
    let mut response = see_other(HOST_SIGN_OUT);
    set_cookie(&mut response, HostCookie::Session.clear(&host.origin));
    Ok(response)
}

impl HostPages {
    async fn host(&self, headers: &HeaderMap) -> Result<Arc<ProtectedHost>, Problem> {
        let origin: Origin = host_origin(headers).map_err(|error| self.endpoint.refuse_request(&error))?;
        self.endpoint.host(&origin).await
    }

    fn show(
        &self,
        status: StatusCode,
        texts: (String, String),
        action: Option<(&'static str, String)>,
    ) -> Response {
        let view = HostPage {
            page: self.endpoint.pages.page(),
            heading: texts.0,
            lead: texts.1,
            action,
            form: None,
        };
        self.endpoint.pages.show(status, &view)
    }

    fn invalid_ticket(&self, host: &ProtectedHost) -> Response {
        let texts = (
            "This sign-in took too long or was used before".to_owned(),
            format!(
                "Please start again. If that does not help, allow cookies for {}.",
                host.origin.host_name()
            ),
        );
        let again = Some(("Start again", HOST_SIGN_IN.to_owned()));
        self.show(StatusCode::BAD_REQUEST, texts, again)
    }

    fn confirmation(&self, status: StatusCode, host: &ProtectedHost, token: &Token) -> Response {
        let pages = &self.endpoint.pages;
        let view = HostPage {
            page: pages.page(),
            heading: format!("Sign out of {}?", host.settings.name),
            lead: "You stay signed in elsewhere.".to_owned(),
            action: None,
            form: Some(HostForm {
                action: HOST_SIGN_OUT,
                csrf: pages.csrf.issue(token, None),
                button: "Sign out",
            }),
        };
        pages.show(status, &view)
    }

    fn signed_out(&self, host: &ProtectedHost) -> Response {
        let texts = (
            format!("You are signed out of {}", host.settings.name),
            "You may still be signed in elsewhere.".to_owned(),
        );
        let everywhere = Some(("Sign out everywhere", self.issuer.full(LOGOUT)));
        self.show(StatusCode::OK, texts, everywhere)
    }
}

fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
