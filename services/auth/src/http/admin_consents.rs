//! `/admin/v1/users/{id}/consents`: the applications that have access for one person, for administrators.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Path, Problem};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::clients::Clients;
use crate::consents::{ConnectedAccess, Consents};
use crate::keys::KeyRing;

/// An application that has access for a person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Consent {
    client_id: String,
    /// The identifier by which the application knows the person: `sub` (OpenID Connect Core §8).
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The name that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    /// All scopes that the person allowed and that the application got, each at some services.
    scopes: Vec<String>,
    /// All services where it may use some of them: the audiences of the consent and of its grants.
    audiences: BTreeSet<String>,
    /// The scopes with the services where each may be used, by the consent and by the grants.
    access: Vec<ConsentAccess>,
    /// The time of the first consent or grant.
    since: Timestamp,
}

/// Scopes that an application may use at each of some services.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConsentAccess {
    /// The scopes.
    scopes: Vec<String>,
    /// The audiences. Without any they are the services of this installation.
    audiences: BTreeSet<String>,
}

/// The applications that have access for a person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConsentList {
    /// The applications, in the order of their ids.
    consents: Vec<Consent>,
}

impl From<ConnectedAccess> for ConsentAccess {
    fn from(access: ConnectedAccess) -> Self {
        Self {
            scopes: owned(access.scope.iter()),
            audiences: access.audiences,
        }
    }
}

fn owned<'a, C: FromIterator<String>>(texts: impl IntoIterator<Item = &'a str>) -> C {
    texts.into_iter().map(str::to_owned).collect()
}

/// `GET /admin/v1/users/{id}/consents`: the applications that have access for a person.
pub(crate) async fn list(
    _: Scoped<Admin>,
    State(consents): State<Consents>,
    State(clients): State<Clients>,
    State(keys): State<KeyRing>,
    Path(id): Path<Uuid>,
) -> Result<Json<ConsentList>, Problem> {
    let mut list = Vec::new();
    for connected in consents.of_account(id).await?.ok_or_else(Problem::not_found)? {
        let client = clients.find(&connected.client_id).await?;
        list.push(Consent {
            subject: client
                .as_ref()
                .map(|client| keys.subject(client.registered(), id)),
            client_name: client.and_then(|client| client.metadata.client_name.clone()),
            scopes: owned(connected.scopes()),
            audiences: owned(connected.audiences()),
            access: connected.access.into_iter().map(ConsentAccess::from).collect(),
            since: connected.since,
            client_id: connected.client_id,
        });
    }
    Ok(Json(ConsentList { consents: list }))
}

/// `DELETE /admin/v1/users/{id}/consents/{client_id}`: withdraws the access of an application, in the person's place.
pub(crate) async fn withdraw(
    admin: Scoped<Admin>,
    State(consents): State<Consents>,
    Path((id, client_id)): Path<(Uuid, String)>,
) -> Result<StatusCode, Problem> {
    if !consents.withdraw(id, &client_id).await? {
        return Err(Problem::not_found());
    }
    tracing::info!(event.action = "consent-withdrawn", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, client.id = client_id, "administrator withdrew the access of an application");
    Ok(StatusCode::NO_CONTENT)
}
