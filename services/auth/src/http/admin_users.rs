//! `/admin/v1/users`: administration of accounts.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::http::{Json, Path, Problem};
use chassis::secret::SecretString;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::registration::{RegistrationState, Rejection};
use crate::sessions::Sessions;
use crate::setup::SetUp;
use crate::setup_links::{INVITATION_LIFETIME, SetUpLinks};
use crate::sign_up::{NewAccount, RegisterError};

/// The account to create.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    user_name: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    given_name: Option<String>,
    #[serde(default)]
    family_name: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    password: Option<SecretString>,
    #[serde(default)]
    groups: Vec<String>,
}

/// The account that was created.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct CreatedAccount {
    id: Uuid,
    /// `active`, or `pending` while the user service does not answer.
    #[schemars(extend("enum" = ["active", "pending"]))]
    state: &'static str,
    /// The invitation link, for an account without a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_url: Option<Url>,
}

/// An invitation link, with which a person chooses a password.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct SetupLink {
    setup_url: Url,
    /// Its lifetime in seconds.
    expires_in: u64,
}

/// `POST /admin/v1/users`: creates an account.
pub(crate) async fn create(
    admin: Scoped<Admin>,
    State(setup): State<SetUp>,
    Json(new): Json<NewUser>,
) -> Result<Response, Problem> {
    let new = NewAccount {
        user_name: new.user_name,
        email: new.email,
        name: new.name,
        given_name: new.given_name,
        family_name: new.family_name,
        locale: new.locale,
        password: new.password,
        groups: new.groups,
    };
    let (done, setup_url) = setup.create_account(new).await.map_err(registration_problem)?;
    tracing::info!(
        event.action = "account-created",
        event.outcome = "success",
        user.id = %admin.subject,
        user.target.id = %done.id,
        "administrator created an account"
    );
    let state = match done.state {
        RegistrationState::Active => "active",
        RegistrationState::Pending => "pending",
        RegistrationState::Rejected(why) => return Err(rejection_problem(why)),
        RegistrationState::Expired => return Err(rejection_problem(Rejection::Invalid)),
    };
    let created = CreatedAccount {
        id: done.id,
        state,
        setup_url,
    };
    Ok(no_store((StatusCode::CREATED, axum::Json(created))))
}

/// `POST /admin/v1/users/{id}/setup-link`: issues an invitation link.
pub(crate) async fn invite(
    admin: Scoped<Admin>,
    State(links): State<SetUpLinks>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let setup_url = links.invite(id).await?.ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "link-issued", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, "administrator issued a set-up link");
    let link = SetupLink {
        setup_url,
        expires_in: INVITATION_LIFETIME.as_secs(),
    };
    Ok(no_store((StatusCode::CREATED, axum::Json(link))))
}

/// `DELETE /admin/v1/users/{id}/sessions`: ends all sessions of an account.
pub(crate) async fn end_sessions(
    admin: Scoped<Admin>,
    State(sessions): State<Sessions>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let count = sessions.revoke_all(id).await?.ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "sessions-revoked", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, session.count = count, "administrator ended the sessions of a user");
    Ok(StatusCode::NO_CONTENT)
}

/// A response with a secret, which must not be stored (SB-18).
fn no_store(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn rejection_problem(why: Rejection) -> Problem {
    match why {
        Rejection::UserNameTaken => Problem::new(
            StatusCode::CONFLICT,
            "user-name-taken",
            "Somebody has this user name, or one that looks like it",
        )
        .field("user_name", "somebody has this name, or one that looks like it"),
        Rejection::UserNameReserved => Problem::invalid().field(
            "user_name",
            "this user name is reserved for administrators, or is that of a group",
        ),
        Rejection::Invalid => Problem::invalid().detail("The user service holds these data for invalid."),
    }
}

fn registration_problem(error: RegisterError) -> Problem {
    match error {
        RegisterError::Invalid(errors) => errors.into_iter().fold(Problem::invalid(), |problem, error| {
            problem.field(error.field, error.detail)
        }),
        RegisterError::Busy { retry_after } => Problem::unavailable(retry_after),
        RegisterError::Throttled { retry_after } | RegisterError::QuotaExceeded { retry_after, .. } => {
            Problem::too_many(retry_after)
        }
        RegisterError::Db(error) => error.into(),
        error @ RegisterError::Hash => Problem::internal(&error),
    }
}
