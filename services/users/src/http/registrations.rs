//! `POST /registrations`: the fast path of `auth`'s registration saga.

use axum::extract::State;
use chassis::http::{Json, Problem};
use contract::{
    EmailAddress, PersonName, RegistrationRequested, RejectionReason, UserId, UserName, UserState,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::caller::Registrar;
use crate::registrations::{Decision, Registrations};

/// [`RegistrationRequested`], read strictly: a command, unlike an event, has no fields that may be passed over.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegistrationCommand")]
pub(crate) struct Command {
    id: UserId,
    user_name: UserName,
    email: Option<EmailAddress>,
    name: Option<NameQuery>,
    locale: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    version: i64,
    requested_at: chassis::clock::Timestamp,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegistrationName")]
pub(crate) struct NameQuery {
    given_name: Option<String>,
    family_name: Option<String>,
    formatted: Option<String>,
}

/// The decision about the registration.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum RegistrationResponse {
    Accepted { user: Box<UserState> },
    Rejected { reason: RejectionReason },
}

/// POST /registrations
///
/// Scope `users:write`, and only for the authentication service: groups come with it. The same id gets the same
/// answer however often and by whichever way it asks; 410 when the person was deleted since.
pub(crate) async fn register(
    State(registrations): State<Registrations>,
    _: Registrar,
    Json(command): Json<Command>,
) -> Result<axum::Json<RegistrationResponse>, Problem> {
    let decision = registrations.register(command.into_event()).await?;
    match decision {
        Decision::Accepted(user) => Ok(axum::Json(RegistrationResponse::Accepted { user })),
        Decision::Rejected(reason) => Ok(axum::Json(RegistrationResponse::Rejected { reason })),
        Decision::Gone => Err(Problem::new(
            StatusCode::GONE,
            "gone",
            "There was such a person, who was deleted",
        )),
    }
}

impl Command {
    /// The event that says the same.
    pub(super) fn into_event(self) -> RegistrationRequested {
        RegistrationRequested {
            id: self.id,
            user_name: self.user_name,
            email: self.email,
            name: self.name.map(|name| PersonName {
                given_name: name.given_name,
                family_name: name.family_name,
                formatted: name.formatted,
                ..PersonName::default()
            }),
            locale: self.locale,
            groups: self.groups,
            version: self.version,
            requested_at: self.requested_at,
        }
    }
}
