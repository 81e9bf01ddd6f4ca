//! The data that this service holds about one person, for the answer to their request (Regulation (EU) 2016/679, Article 15).
//!
//! No secret is among it: neither hashes of passwords and tokens nor the tokens. Nor is what failed sign-ins tell of others, who may not be
//! the person: their addresses.

mod store;
#[cfg(test)]
mod tests;

use chassis::clock::Timestamp;
use chassis::db::{Db, DbError};
use contract::UserState;
use password_hashes::ImportedHash;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::grants::JsonText;
use crate::subjects;

/// Everything about one person.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct PersonalData {
    /// The id, which is the claim `sub` in tokens.
    pub(crate) id: Uuid,
    /// The copy of the record of the user service.
    pub(crate) subject: Option<UserState>,
    /// The time at which the person was erased.
    pub(crate) erased_at: Option<Timestamp>,
    /// The account.
    pub(crate) account: Option<Account>,
    /// The credentials.
    pub(crate) credentials: Vec<Credential>,
    /// The sessions that have not ended.
    pub(crate) sessions: Vec<SessionData>,
    /// The sessions at protected hosts that have not ended.
    pub(crate) host_sessions: Vec<HostSessionData>,
    /// The browsers and programs in which the person has signed in before.
    pub(crate) known_devices: Vec<KnownDevice>,
    /// The consents of the person to applications of other parties.
    pub(crate) consents: Vec<ConsentData>,
    /// The roles that the person was given at applications.
    pub(crate) roles: Vec<RoleData>,
    /// The applications that the person has allowed to act for them, each with what it was allowed.
    pub(crate) grants: Vec<GrantData>,
    /// Failed sign-ins to the account, counted by the minute.
    pub(crate) failed_sign_ins: Vec<FailedSignIns>,
    /// The registration, while it is stored.
    pub(crate) registration: Option<RegistrationData>,
    /// The links with which the person could choose a password.
    pub(crate) setup_links: Vec<SetUpLinkData>,
}

/// The account of a person.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct Account {
    created_at: Timestamp,
}

/// A credential, without its secret.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Credential {
    /// `password`.
    kind: &'static str,
    /// The scheme of the hash.
    scheme: Option<&'static str>,
    changed_at: Timestamp,
}

/// A session.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct SessionData {
    id: Uuid,
    started_at: Timestamp,
    auth_time: Timestamp,
    /// The methods of the sign-in (RFC 8176), separated by spaces.
    amr: String,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    client_ip: Option<String>,
    user_agent: Option<String>,
}

/// A session at a protected host.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct HostSessionData {
    host: String,
    /// The sign-in session that it hangs on.
    session_id: Uuid,
    started_at: Timestamp,
    expires_at: Timestamp,
}

/// A known device.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct KnownDevice {
    created_at: Timestamp,
}

/// A stored consent.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct ConsentData {
    client_id: String,
    scope: String,
    /// The services that it is for, separated by spaces. Empty for those of Vestibule.
    audiences: String,
    granted_at: Timestamp,
    updated_at: Timestamp,
}

/// A role at an application.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct RoleData {
    client_id: String,
    role: String,
    assigned_at: Timestamp,
}

/// An application that the person allowed access.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct GrantData {
    client_id: String,
    scope: String,
    /// The services that its tokens are for.
    #[schemars(with = "Vec<String>")]
    audiences: Json<Vec<String>>,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    /// The single claims and the authorization details (RFC 9396) that the person allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    details: Option<JsonText<serde_json::Value>>,
}

/// Failed sign-ins within a minute.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct FailedSignIns {
    minute_at: Timestamp,
    reason: String,
    failures: i64,
}

/// A registration.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct RegistrationData {
    state: String,
    requested_at: Timestamp,
    answered_at: Option<Timestamp>,
}

/// A set-up link.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct SetUpLinkData {
    purpose: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    used_at: Option<Timestamp>,
}

/// Collects what this service holds about a person; `None` when it knows nobody with this id.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find(db: &Db, id: Uuid) -> Result<Option<PersonalData>, DbError> {
    let mut reader = db.reader().await?;
    let data = PersonalData {
        id,
        subject: subjects::find_state(&mut reader, id).await?,
        erased_at: store::erased_at(&mut reader, id).await?,
        account: store::account(&mut reader, id).await?,
        credentials: store::passwords(&mut reader, id)
            .await?
            .into_iter()
            .map(|(hash, changed_at)| Credential {
                kind: "password",
                // The most memory does not matter: nothing is verified.
                scheme: ImportedHash::import(&hash, u64::MAX)
                    .ok()
                    .map(|hash| hash.scheme().name()),
                changed_at,
            })
            .collect(),
        sessions: store::sessions(&mut reader, id).await?,
        host_sessions: store::host_sessions(&mut reader, id).await?,
        known_devices: store::devices(&mut reader, id).await?,
        consents: store::consents(&mut reader, id).await?,
        roles: store::roles(&mut reader, id).await?,
        grants: store::grants(&mut reader, id).await?,
        failed_sign_ins: store::failed_sign_ins(&mut reader, id).await?,
        registration: store::registration(&mut reader, id).await?,
        setup_links: store::setup_links(&mut reader, id).await?,
    };
    let known = data.subject.is_some()
        || data.account.is_some()
        || data.registration.is_some()
        || data.erased_at.is_some();
    Ok(known.then_some(data))
}
