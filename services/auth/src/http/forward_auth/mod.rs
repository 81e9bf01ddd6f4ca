//! `GET /forward-auth`: a proxy asks whether a request to a protected host may pass. nginx `auth_request`, Traefik `forwardAuth`, Caddy
//! `forward_auth`, and under `/forward-auth/envoy` Envoy `ext_authz`.
//!
//! A 2xx lets the request pass, with headers that say whose it is. Everything else keeps it away, also an error of this service.

mod headers;
pub(crate) mod host_pages;
mod proxy;
mod sign_in;

use std::sync::Arc;

use axum::extract::{FromRef, OriginalUri, State};
use axum::response::{IntoResponse, Response};
use chassis::db::DbError;
use chassis::http::Problem;
use contract::paths::auth::{FORWARD_AUTH_ENVOY, HOST_SIGN_IN};
use forward_auth::{
    DeniedStyle, Origin, ProxiedRequest, RequestError, Requirement, ReturnPath, proxied_request,
    proxied_request_of_path,
};
use http::header::{LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::form_urlencoded;

use crate::app::SharedApp;
use crate::host_sessions::{HostSessions, HostUser};
use crate::html::Pages;
use crate::html::host_cookies::HostCookie;
use crate::html::view::HostPage;
use crate::protected_hosts::{ProtectedHost, ProtectedHosts, Refusal};

pub(crate) use proxy::TrustedProxy;
pub(crate) use sign_in::{SignInQuery, get as sign_in};

/// The collaborators of the endpoints for proxies.
#[derive(Clone)]
pub(crate) struct ForwardAuthEndpoint {
    pages: Arc<Pages>,
    hosts: ProtectedHosts,
    sessions: HostSessions,
}

impl FromRef<SharedApp> for ForwardAuthEndpoint {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: Arc::clone(&app.pages),
            hosts: app.protected_hosts.clone(),
            sessions: app.host_sessions.clone(),
        }
    }
}

/// `GET /forward-auth`: the request is described by headers.
pub(crate) async fn get(
    _: TrustedProxy,
    State(endpoint): State<ForwardAuthEndpoint>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&endpoint, &headers, proxied_request(&headers)).await
}

/// Any method at `/forward-auth/envoy/…`: Envoy puts its prefix before the path of the request, and keeps the method and the host.
pub(crate) async fn envoy(
    _: TrustedProxy,
    State(endpoint): State<ForwardAuthEndpoint>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sent = uri.path_and_query().map_or("", |target| target.as_str());
    let target = sent
        .split_once(FORWARD_AUTH_ENVOY)
        .map_or("", |(_, target)| target);
    let described = proxied_request_of_path(method.as_str(), target, &headers);
    answer(&endpoint, &headers, described).await
}

/// The outcome of a question, as the metric counts it.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Allowed,
    Public,
    SignIn,
    Unauthenticated,
    Forbidden,
    Refused,
}

impl Outcome {
    fn count(self) {
        let outcome = match self {
            Self::Allowed => "allowed",
            Self::Public => "public",
            Self::SignIn => "sign_in",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Refused => "rejected",
        };
        metrics::counter!("vestibule_forward_auth_requests_total", "outcome" => outcome).increment(1);
    }
}

async fn answer(
    endpoint: &ForwardAuthEndpoint,
    sent: &HeaderMap,
    described: Result<ProxiedRequest, RequestError>,
) -> Result<Response, Problem> {
    let request = described.map_err(|error| endpoint.refuse_request(&error))?;
    let host = endpoint.host(&request.origin).await?;
    let rules = &host.settings.rules;
    let requirement = rules.requirement(&request.method, &request.path);
    if requirement == Requirement::Unreadable {
        let detail = "The path can be read in different ways, and this host has restricted paths.";
        return Err(endpoint.refuse(Refusal::Path, Problem::bad_request(detail), detail));
    }
    let user = endpoint.user(sent, &request.origin).await?;
    if requirement == Requirement::Public {
        Outcome::Public.count();
        let user = user.filter(|user| rules.host_groups().is_met_by(&user.subject.groups));
        return Ok(headers::allowed(user.as_ref(), rules));
    }
    Ok(match user {
        None => unauthenticated(&request, sent),
        Some(user) if requirement.is_met_by(&user.subject.groups) => {
            Outcome::Allowed.count();
            headers::allowed(Some(&user), rules)
        }
        Some(user) => forbidden(endpoint, &host, &user, sent),
    })
}

impl ForwardAuthEndpoint {
    /// The registered host of an origin.
    async fn host(&self, origin: &Origin) -> Result<Arc<ProtectedHost>, Problem> {
        if let Some(host) = self.hosts.find(origin).await? {
            return Ok(host);
        }
        let detail = format!("The host {origin} is not registered.");
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "unknown-host",
            "The host is not protected here",
        )
        .detail(detail.clone());
        Err(self.refuse(Refusal::Host, problem, &detail))
    }

    async fn user(&self, headers: &HeaderMap, origin: &Origin) -> Result<Option<HostUser>, DbError> {
        match HostCookie::Session.read(headers, origin) {
            Some(token) => self.sessions.find(&token, origin).await,
            None => Ok(None),
        }
    }

    fn refuse_request(&self, error: &RequestError) -> Problem {
        let detail = error.to_string();
        let problem = Problem::bad_request(format!("The proxy does not describe a request: {detail}."));
        self.refuse(Refusal::Request, problem, &detail)
    }

    fn refuse(&self, refusal: Refusal, problem: Problem, detail: &str) -> Problem {
        Outcome::Refused.count();
        self.hosts.record_refusal(refusal, detail);
        problem
    }
}

/// A browser that navigates is sent to the sign-in; everything else gets 401.
fn unauthenticated(request: &ProxiedRequest, sent: &HeaderMap) -> Response {
    if !headers::is_navigation(sent) {
        Outcome::Unauthenticated.count();
        let problem = Problem::new(
            StatusCode::UNAUTHORIZED,
            "sign-in-required",
            "Nobody is signed in here",
        );
        return with_challenge(problem.into_response(), &request.origin);
    }
    Outcome::SignIn.count();
    // What a form sends is lost with the sign-in, so that it does not come back as another method.
    let back = match request.method.as_str() {
        "GET" | "HEAD" => ReturnPath::parse(&request.target),
        _ => ReturnPath::root(),
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", back.as_str())
        .finish();
    let status = match request.denied {
        DeniedStyle::Whole => StatusCode::FOUND,
        DeniedStyle::StatusAlone => StatusCode::UNAUTHORIZED,
    };
    let mut response = with_challenge(status.into_response(), &request.origin);
    if let Ok(location) = HeaderValue::try_from(format!("{}{HOST_SIGN_IN}?{query}", request.origin)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// With a challenge, which a 401 has to have (RFC 9110 §15.5.2). No browser knows its scheme, so that none asks the person for a password.
fn with_challenge(mut response: Response, origin: &Origin) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED
        && let Ok(challenge) = HeaderValue::try_from(format!("Vestibule realm=\"{}\"", origin.host()))
    {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn forbidden(
    endpoint: &ForwardAuthEndpoint,
    host: &ProtectedHost,
    user: &HostUser,
    sent: &HeaderMap,
) -> Response {
    Outcome::Forbidden.count();
    if !headers::is_navigation(sent) {
        let title = "The rules of the host do not allow it";
        return Problem::new(StatusCode::FORBIDDEN, "not-allowed-here", title).into_response();
    }
    let name = &host.settings.name;
    let view = HostPage {
        page: endpoint.pages.page(),
        heading: format!("You may not open this page of {name}"),
        lead: format!(
            "You are signed in as {}. If you need the page, ask the people who look after {name}.",
            user.subject.user_name
        ),
        action: None,
        form: None,
    };
    endpoint.pages.show(StatusCode::FORBIDDEN, &view)
}
