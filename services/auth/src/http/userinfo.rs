//! `GET` and `POST /oauth2/userinfo`: UserInfo endpoint (OpenID Connect Core §5.3).

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use chassis::access::{OpenId, Scoped, revoked_token};
use chassis::db::Db;
use chassis::http::header::content_type;
use chassis::http::{Problem, RawBody};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};
use oidc::jose::EncryptError;
use oidc::params::Params;

use super::caller::{active_grant, check_client};
use super::oauth_endpoint::unsigned;
use super::sign_in_gate::check_people_admitted;
use crate::app::SharedApp;
use crate::assignments;
use crate::clients::Clients;
use crate::restore::SignInGate;
use crate::scopes::Scopes;
use crate::tokens::Tokens;

/// `GET` and `POST /oauth2/userinfo`: UserInfo endpoint (OpenID Connect Core §5.3). It requires an access
/// token with the scope `openid`. The claims are JSON, or a signed or encrypted JWT if the client is registered for one (§5.3.2).
pub(crate) async fn get(
    State(gate): State<SignInGate>,
    State(db): State<Db>,
    State(clients): State<Clients>,
    State(tokens): State<Tokens>,
    State(scopes): State<Scopes>,
    UserInfoToken(token): UserInfoToken,
) -> Result<Response, Problem> {
    check_people_admitted(&gate)?;
    let client = check_client(&clients, &token).await?;
    let mut reader = db.reader().await?;
    let (subject, details) = active_grant(&mut reader, &token).await?;
    let assignment = assignments::of_subject(&mut reader, client.registered(), &subject).await?;
    drop(reader);
    if !assignment.assigned {
        return Err(revoked_token(&token));
    }
    let single = details.claims.of_scopes(&client.metadata.scope, scopes.claims());
    let info = scopes
        .user_info(
            (&token.subject, &subject),
            |scope| token.allows(scope),
            single.of_userinfo(),
        )
        .with_roles(assignment.roles);
    let recipient = clients
        .recipient(&client, client.metadata.userinfo_encryption())
        .await?;
    let encrypted = |error: EncryptError| Problem::internal(&error);
    let jwt = match (client.metadata.userinfo_signed_response_alg, recipient) {
        (None, None) => return Ok(([(CACHE_CONTROL, "no-store")], Json(info)).into_response()),
        (None, Some(recipient)) => recipient.encrypt_claims(&info).map_err(encrypted)?,
        (Some(algorithm), recipient) => {
            let jwt = tokens
                .sign_user_info(&client, algorithm, info)
                .map_err(|error| unsigned(&error))?;
            match recipient {
                Some(recipient) => recipient.encrypt_jwt(&jwt).map_err(encrypted)?,
                None => jwt,
            }
        }
    };
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "application/jwt")];
    Ok((headers, jwt).into_response())
}

/// The access token of a UserInfo request: in the header, or in the form of a `POST` (RFC 6750 §2.1, §2.2).
pub(crate) struct UserInfoToken(Scoped<OpenId>);

impl FromRequest<SharedApp> for UserInfoToken {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, Problem> {
        let in_query = request.uri().query().is_some_and(|query| {
            url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
        });
        if in_query {
            return Err(invalid_request(
                "An access token in the query is not accepted: send it in the Authorization header.",
            ));
        }
        let is_form = request.method() == Method::POST
            && content_type(request.headers()).as_deref() == Some("application/x-www-form-urlencoded");
        let (mut parts, body) = request.into_parts();
        if is_form {
            let request = Request::from_parts(parts.clone(), body);
            let RawBody(body) = RawBody::from_request(request, app).await?;
            if let Some(value) = token_of_form(&body)?
                && parts.headers.insert(AUTHORIZATION, value).is_some()
            {
                return Err(invalid_request(
                    "There are two access tokens, in the header and in the form: send one.",
                ));
            }
        }
        Scoped::from_request_parts(&mut parts, app).await.map(Self)
    }
}

/// The token of a form as a value of `Authorization`.
fn token_of_form(body: &[u8]) -> Result<Option<HeaderValue>, Problem> {
    let unreadable = || invalid_request("The form cannot be read, or has a parameter twice.");
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let form = Params::parse(text, &[]).map_err(|_| unreadable())?;
    let value = form.get("access_token").map(|token| format!("Bearer {token}"));
    value
        .map(|value| HeaderValue::try_from(value).map_err(|_| unreadable()))
        .transpose()
}

/// 400 `invalid_request` (RFC 6750 §3.1).
fn invalid_request(detail: &'static str) -> Problem {
    Problem::bad_request(detail).header(WWW_AUTHENTICATE, r#"Bearer error="invalid_request""#)
}
