//! `/pending-credentials/{id}`: the passwords that come with changes of users, for the user service alone.

use axum::extract::{FromRequestParts, State};
use chassis::access::{EventsRead, Scoped};
use chassis::http::{Json, Path, Problem};
use chassis::secret::SecretString;
use contract::{EmailAddress, PersonName, UserName};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::pending_credentials::{NewPendingCredential, PendingCredentialError, PendingCredentials};

/// The user service, with the scope `events:read`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserService;

impl FromRequestParts<SharedApp> for UserService {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<EventsRead>::from_request_parts(parts, app).await?.token;
        match token.is_of_client() && token.client_id == app.settings.users.client_id {
            true => Ok(Self),
            false => Err(Problem::forbidden(
                "Only the user service sends the passwords of users; others use SCIM.",
            )),
        }
    }
}

/// The password of a user, and what is known of the user, with which the password must have little in common.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PendingCredentialRequest {
    /// The user.
    user_id: Uuid,
    /// The password.
    #[schemars(with = "String")]
    password: SecretString,
    /// The user name after the change.
    user_name: UserName,
    /// The e-mail address after the change.
    #[serde(default)]
    email: Option<EmailAddress>,
    /// The parts of the name after the change.
    #[serde(default)]
    name: PersonName,
}

/// `PUT /pending-credentials/{id}`: checks and hashes a password, and keeps it for an hour. It becomes the password of the user
/// when the state of the user names the id as `credential_id`.
pub(crate) async fn put(
    _: UserService,
    State(pending): State<PendingCredentials>,
    Path(id): Path<Uuid>,
    Json(request): Json<PendingCredentialRequest>,
) -> Result<StatusCode, Problem> {
    let new = NewPendingCredential {
        user_id: request.user_id,
        password: request.password,
        user_name: request.user_name,
        email: request.email,
        name: request.name,
    };
    pending.put(id, new).await.map_err(|error| match error {
        PendingCredentialError::Weak(weakness) => Problem::invalid().field("password", weakness.to_string()),
        PendingCredentialError::Busy { retry_after } => Problem::unavailable(retry_after),
        PendingCredentialError::Conflict => Problem::conflict("The id is that of another user's credential."),
        PendingCredentialError::Db(error) => error.into(),
        error @ PendingCredentialError::Hash => Problem::internal(&error),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /pending-credentials/{id}`: forgets a password, because the change was not made. An unknown id is no error.
pub(crate) async fn cancel(
    _: UserService,
    State(pending): State<PendingCredentials>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    pending.cancel(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
