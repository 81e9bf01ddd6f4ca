//! Request objects: an authorization request as a JWT that the client has signed (RFC 9101, OpenID Connect Core §6).

use serde_json::{Map, Value};

use super::check::check_way;
use super::{AuthorizationError, ResponseTarget, UnverifiedAuthorizationRequest};
use crate::client::RegisteredClient;
use crate::error::{ErrorCode, OAuthError};
use crate::jose::{Audience, KeySet, VerifyError, verify_signature};
use crate::params::Params;
use crate::server::AuthorizationServer;

/// The accepted types (RFC 9101 §4, §10.8). OpenID Connect Core names none. Tokens of other types are not requests.
const TYPES: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];

/// The tolerated clock skew of clients in seconds.
const LEEWAY: i64 = 30;

/// The longest lifetime of an object of a client that has to sign, and the longest time since its `nbf`, in seconds (FAPI 2.0
/// Message Signing §5.3.1).
const MAX_LIFETIME: i64 = 3600;

/// Claims about the object itself (RFC 7519 §4.1), which are no parameters.
const REGISTERED_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A request object was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestObjectError {
    /// The key is not in the set. It may be new: fetch the set again.
    #[error("request was signed with a key that the client is not registered with")]
    UnknownKey,
    /// Something else is wrong with it.
    #[error("{0}")]
    Refused(&'static str),
}

impl From<RequestObjectError> for OAuthError {
    /// `invalid_request_object` (RFC 9101 §7).
    fn from(error: RequestObjectError) -> Self {
        ErrorCode::InvalidRequestObject.because(error.to_string())
    }
}

impl UnverifiedAuthorizationRequest {
    /// `request`: the request object, if the request has one.
    pub fn request_object(&self) -> Option<&str> {
        self.params().get("request")
    }

    /// Checks what can be checked before the request object is fetched and its signature verified, which anybody can cause: the
    /// client may use this endpoint in this way, and the request stands in one place, a request object or a `request_uri` (RFC
    /// 9101 §5).
    ///
    /// # Errors
    /// `invalid_request`, `unauthorized_client`.
    pub fn check_before_opening(
        &self,
        client: RegisteredClient<'_>,
        server: AuthorizationServer<'_>,
    ) -> Result<(), OAuthError> {
        check_way(self, client, server)?;
        let objects = self.params().all("request").count();
        let references = self.params().all("request_uri").count();
        if objects + references > 1 {
            return Err(ErrorCode::InvalidRequest.because("expected one request object, or a request_uri"));
        }
        Ok(())
    }

    /// The request of `object`, the request object by value or behind the `request_uri`. Of the parameters around it only `client_id` counts, which must be the same (RFC 9101
    /// §6.3). `keys` are those of the client; `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`RequestObjectError::UnknownKey`] if a newer key set may have the key; otherwise the first failed check.
    pub fn open_request_object(
        &self,
        object: &str,
        keys: &KeySet,
        client: RegisteredClient<'_>,
        server: AuthorizationServer<'_>,
        now: i64,
    ) -> Result<Self, RequestObjectError> {
        let algorithms = client.metadata.request_object_algorithms();
        let claims: Map<String, Value> =
            verify_signature(object, keys, algorithms, &TYPES).map_err(explain)?;
        check_claims(&claims, client, server, now).map_err(RequestObjectError::Refused)?;
        let params = parameters(claims).map_err(RequestObjectError::Refused)?;
        let request = Self::of(params.without(&["client_id"]), client.client_id).signed();
        Ok(if self.is_pushed() {
            request.pushed()
        } else {
            request
        })
    }
}

/// The failure of a request whose object was refused. The client is told if the parameters around the object name a redirect URI
/// of its registration, or need none; otherwise the user is (RFC 9101 §7, SB-20).
pub fn refuse_request_object(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    error: OAuthError,
) -> AuthorizationError {
    match ResponseTarget::choose(request, &client, server.issuer) {
        Ok(target) => target.error(error).into(),
        Err(page) => page.into(),
    }
}

/// Checks the claims about the object (RFC 9101 §4, §6.3). An object of a client that has to sign needs an audience and a short
/// life (FAPI 2.0 Message Signing §5.3.1).
fn check_claims(
    claims: &Map<String, Value>,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("client_id") != Some(client.client_id) {
        return Err("client_id of the request object is not the client_id of the request");
    }
    if claims.contains_key("iss") && text("iss") != Some(client.client_id) {
        return Err("iss of the request object is not the client_id");
    }
    // RFC 9101 §10.8: a client assertion, which has the client as its subject, is not a request.
    if text("sub") == Some(client.client_id) {
        return Err("sub of the request object must not be the client_id");
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err("a request object must not have request or request_uri");
    }
    let strict = client.metadata.require_signed_request_object;
    match claims.get("aud") {
        None if !strict => {}
        aud => {
            let aud: Option<Audience> = aud.and_then(|aud| serde_json::from_value(aud.clone()).ok());
            if !aud.is_some_and(|aud| aud.contains(server.issuer)) {
                return Err("aud of the request object must be the issuer of this server");
            }
        }
    }
    check_times(claims, strict, now)
}

fn check_times(claims: &Map<String, Value>, strict: bool, now: i64) -> Result<(), &'static str> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or("exp and nbf must be numbers"),
    };
    #[expect(clippy::cast_possible_truncation, reason = "a time out of range saturates")]
    let seconds = |time: Option<f64>| time.map(|time| time as i64);
    let (exp, nbf) = (seconds(time("exp")?), seconds(time("nbf")?));
    if exp.is_some_and(|exp| exp.saturating_add(LEEWAY) <= now) {
        return Err("the request object has expired");
    }
    if nbf.is_some_and(|nbf| nbf > now.saturating_add(LEEWAY)) {
        return Err("the request object is not valid yet: compare the clocks");
    }
    if !strict {
        return Ok(());
    }
    match (exp, nbf) {
        (Some(exp), Some(nbf))
            if exp.saturating_sub(nbf) <= MAX_LIFETIME
                && now.saturating_sub(nbf) <= MAX_LIFETIME + LEEWAY =>
        {
            Ok(())
        }
        _ => Err("the request object needs exp and nbf, at most an hour apart and nbf at most an hour ago"),
    }
}

/// The parameters of an object (RFC 9101 §4): texts as they are, numbers and truth values as JSON, objects and arrays as JSON
/// too, except that `resource` may be an array of texts.
fn parameters(claims: Map<String, Value>) -> Result<Params, &'static str> {
    let mut params = Params::default();
    for (name, value) in claims {
        if REGISTERED_CLAIMS.contains(&name.as_str()) {
            continue;
        }
        params = match value {
            Value::Null => params,
            Value::String(text) => params.with(&name, &text),
            Value::Array(items) if name == "resource" => {
                items.iter().try_fold(params, |params, item| match item {
                    Value::String(text) => Ok(params.with(&name, text)),
                    _ => Err("resource of the request object must be a text or an array of texts"),
                })?
            }
            other => params.with(&name, &other.to_string()),
        };
    }
    Ok(params)
}

fn explain(error: VerifyError) -> RequestObjectError {
    RequestObjectError::Refused(match error {
        VerifyError::UnknownKey => return RequestObjectError::UnknownKey,
        VerifyError::Algorithm => {
            "request is signed with an algorithm that the client may not use, or not at all"
        }
        VerifyError::Type => "typ of the request object must be oauth-authz-req+jwt or JWT",
        VerifyError::Signature => "the signature of request is wrong",
        _ => "request is not a signed JWT; encrypted ones are not supported",
    })
}
