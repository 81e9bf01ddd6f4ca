//! `GET` and `POST /oauth2/userinfo`: UserInfo endpoint (OpenID Connect Core §5.3).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{AccessToken, OpenId, Scoped};
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
pub(super) async fn get(
    State(gate): State<SignInGate>,
    State(db): State<Db>,
    token: Scoped<OpenId>,
) -> Result<Response, Problem> {
    check_people_admitted(&gate)?;
    let subject = active_subject(&mut db.reader().await?, &token).await?;
    let info = claims_for(&token, subject);
    Ok(([(CACHE_CONTROL, "no-store")], Json(info)).into_response())
}

/// The claims of a subject that the scopes of the token allow (OpenID Connect Core §5.4).
fn claims_for(token: &AccessToken, subject: Subject) -> UserInfo {
    let mut info = UserInfo {
        sub: subject.id.to_string(),
        ..UserInfo::default()
    };
    let claims = subject.claims;
    if token.allows("profile") {
        info.preferred_username = Some(subject.user_name);
        info.name = claims.name.formatted;
        info.given_name = claims.name.given_name;
        info.family_name = claims.name.family_name;
        info.locale = claims.locale;
        info.zoneinfo = claims.zoneinfo;
        info.updated_at = Some(claims.updated_at.as_secs());
    }
    if token.allows("email")
        && let Some(email) = claims
            .emails
            .iter()
            .find(|email| email.primary)
            .or(claims.emails.first())
    {
        info.email = Some(email.value.as_str().to_owned());
        info.email_verified = Some(email.verified);
    }
    if token.allows("groups") {
        info.groups = Some(subject.groups);
    }
    info
}
