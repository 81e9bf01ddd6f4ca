//! `GET` and `POST /oauth2/userinfo`: UserInfo endpoint (OpenID Connect Core §5.3).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{OpenId, Scoped};
use chassis::db::Db;
use chassis::http::Problem;
use http::header::CACHE_CONTROL;
use oidc::claims::UserInfo;

use super::caller::active_subject;
use super::sign_in_gate::check_people_admitted;
use crate::restore::SignInGate;
use crate::subjects::Subject;

/// `GET` and `POST /oauth2/userinfo`: UserInfo endpoint (OpenID Connect Core §5.3). It requires an access
/// token with the scope `openid`.
pub(crate) async fn get(
    State(gate): State<SignInGate>,
    State(db): State<Db>,
    token: Scoped<OpenId>,
) -> Result<Response, Problem> {
    check_people_admitted(&gate)?;
    let subject = active_subject(&mut db.reader().await?, &token).await?;
    let info = user_info(subject).limited_to(|scope| token.allows(scope));
    Ok(([(CACHE_CONTROL, "no-store")], Json(info)).into_response())
}

/// All claims about a subject (OpenID Connect Core §5.1).
fn user_info(subject: Subject) -> UserInfo {
    let claims = subject.claims;
    let email = claims
        .emails
        .iter()
        .find(|email| email.primary)
        .or(claims.emails.first());
    UserInfo {
        sub: subject.id.to_string(),
        email: email.map(|email| email.value.as_str().to_owned()),
        email_verified: email.map(|email| email.verified),
        preferred_username: Some(subject.user_name),
        name: claims.name.formatted,
        given_name: claims.name.given_name,
        family_name: claims.name.family_name,
        locale: claims.locale,
        zoneinfo: claims.zoneinfo,
        updated_at: Some(claims.updated_at.as_secs()),
        groups: Some(subject.groups),
    }
}
