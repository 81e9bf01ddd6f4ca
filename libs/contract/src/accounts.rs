//! Events of `auth` about accounts, sessions and clients.

use chassis::clock::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EmailAddress, PersonName, UserId, UserName, event_data};

/// `vestibule.registration.requested.v1`: somebody wants to become the person `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationRequested {
    /// The id of the person to be.
    pub id: UserId,
    /// The user name asked for.
    pub user_name: UserName,
    /// The e-mail address, not yet verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// The parts of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// The language: a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The groups to join.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The version of the account.
    pub version: i64,
    /// The time of the request.
    pub requested_at: Timestamp,
}
event_data!(impl RegistrationRequested = "vestibule.registration.requested.v1", 1);

/// `vestibule.subject.erased.v1`: nothing of a deleted person is left but the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectErased {
    /// The id of the person.
    pub id: UserId,
    /// The version of the account.
    pub version: i64,
    /// The time of the erasure.
    pub erased_at: Timestamp,
}
event_data!(impl SubjectErased = "vestibule.subject.erased.v1", 1);

/// `vestibule.email.verified.v1`: a person showed that an address is theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmailVerified {
    /// The person.
    pub id: UserId,
    /// The address.
    pub email: EmailAddress,
    /// The version of the account.
    pub version: i64,
    /// The time of the verification.
    pub verified_at: Timestamp,
}
event_data!(impl EmailVerified = "vestibule.email.verified.v1", 1);

/// `vestibule.session.started.v1`: a person signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// The session. Not the secret in the cookie.
    pub id: Uuid,
    /// The person.
    pub user_id: UserId,
    /// The methods with which the person proved who they are (RFC 8176): `pwd`, `otp` …
    pub amr: Vec<String>,
    /// The IP address from which the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    /// The version of the account.
    pub version: i64,
}
event_data!(impl SessionStarted = "vestibule.session.started.v1", 1);

/// The reason why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The person signed out.
    SignedOut,
    /// It was unused for too long, or too old.
    Expired,
    /// The person or an administrator ended it from elsewhere.
    Revoked,
    /// A new sign-in in the same browser took its place.
    Replaced,
    /// The person may no longer sign in.
    Deactivated,
    /// The person was deleted.
    Deleted,
    /// The password was changed.
    PasswordChanged,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

/// `vestibule.session.ended.v1`: a session is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    /// The session.
    pub id: Uuid,
    /// The person.
    pub user_id: UserId,
    /// The reason.
    pub reason: SessionEnd,
    /// The version of the account.
    pub version: i64,
}
event_data!(impl SessionEnded = "vestibule.session.ended.v1", 1);

/// The reason why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginFailure {
    /// The password is not the person's.
    WrongPassword,
    /// Nobody has this name.
    UnknownUser,
    /// The person may not sign in.
    Inactive,
    /// Too many tries.
    Throttled,
    /// The second factor did not fit.
    WrongSecondFactor,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

/// `vestibule.login.failed.v1`: sign-ins failed, in one minute, for one account, source and reason. It never carries what
/// was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginFailed {
    /// The account, or a new id for the names that nobody has.
    pub id: Uuid,
    /// The reason.
    pub reason: LoginFailure,
    /// The IP address of the sign-ins; the last one, when the source is an IPv6 network of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    /// The number of sign-ins; 1 when it is left out.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: i64,
    /// The beginning of the minute; left out by versions that published each failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The end of the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The version of the account.
    pub version: i64,
}

fn one() -> i64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(count: &i64) -> bool {
    *count == 1
}
event_data!(impl LoginFailed = "vestibule.login.failed.v1", 1);

/// The kind of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A password.
    Password,
    /// A passkey.
    Passkey,
    /// A time-based one-time code.
    Totp,
    /// Recovery codes.
    RecoveryCodes,
    /// A kind that this version does not know.
    #[serde(other)]
    Other,
}

/// A credential that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialChange {
    /// The credential.
    pub id: Uuid,
    /// The person to whom it belongs.
    pub user_id: UserId,
    /// The kind of the credential.
    pub kind: CredentialKind,
    /// The version of the account.
    pub version: i64,
}

event_data! {
    /// `vestibule.credential.added.v1`: a person can sign in with something new.
    CredentialAdded(CredentialChange) = "vestibule.credential.added.v1", 1;
    /// `vestibule.credential.removed.v1`: a person can no longer sign in with something.
    CredentialRemoved(CredentialChange) = "vestibule.credential.removed.v1", 1;
}

/// An OAuth client, whole, at one version; no secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientState {
    /// The row of the client.
    pub id: Uuid,
    /// The `client_id` of the protocol.
    pub client_id: String,
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The redirect URIs: the addresses to which answers may be sent.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The grants that it may use.
    #[serde(default)]
    pub grant_types: Vec<String>,
    /// The scopes that it may have.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Rises by one with every change.
    pub version: i64,
    /// The time at which this version was made.
    pub updated_at: Timestamp,
}

event_data! {
    /// `vestibule.client.created.v1`: an application was registered.
    ClientCreated(ClientState) = "vestibule.client.created.v1", 1;
    /// `vestibule.client.updated.v1`: something about an application changed.
    ClientUpdated(ClientState) = "vestibule.client.updated.v1", 1;
    /// `vestibule.client.deleted.v1`: an application is gone.
    ClientDeleted(ClientRemoved) = "vestibule.client.deleted.v1", 1;
}

/// An OAuth client that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientRemoved {
    /// The row of the client.
    pub id: Uuid,
    /// The `client_id` of the protocol.
    pub client_id: String,
    /// The last version.
    pub version: i64,
    /// The time of the deletion.
    pub deleted_at: Timestamp,
}

/// `vestibule.token.reuse_detected.v1`: a refresh token came a second time; its family is revoked (RFC 9700 §4.14.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenReuseDetected {
    /// The person.
    pub id: UserId,
    /// The `client_id` that presented it.
    pub client_id: String,
    /// The family of tokens.
    pub family: Uuid,
    /// The version of the account.
    pub version: i64,
}
event_data!(impl TokenReuseDetected = "vestibule.token.reuse_detected.v1", 1);

/// The scopes that a person grants to an application, after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentChange {
    /// The person.
    pub id: UserId,
    /// The `client_id` of the application.
    pub client_id: String,
    /// The scopes that are granted now.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The services that they are granted for: the audiences that the application is registered for. Empty for those of Vestibule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// The types of the authorization details (RFC 9396) that the person allowed this once, beside the scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
    /// The SHA-256 of these details in base64url: of the JSON array that was granted, without blanks. It proves which ones were allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details_sha256: Option<String>,
    /// The version of the account.
    pub version: i64,
}

event_data! {
    /// `vestibule.consent.granted.v1`: a person let an application in.
    ConsentGranted(ConsentChange) = "vestibule.consent.granted.v1", 1;
    /// `vestibule.consent.withdrawn.v1`: a person shut an application out.
    ConsentWithdrawn(ConsentChange) = "vestibule.consent.withdrawn.v1", 1;
}

/// A role that a person was given at an application, or that was taken from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleChange {
    /// The person.
    pub id: UserId,
    /// The `client_id` of the application.
    pub client_id: String,
    /// The role.
    pub role: String,
    /// The version of the account.
    pub version: i64,
}

event_data! {
    /// `vestibule.role.assigned.v1`: a person was given a role at an application.
    RoleAssigned(RoleChange) = "vestibule.role.assigned.v1", 1;
    /// `vestibule.role.withdrawn.v1`: a role at an application was taken from a person.
    RoleWithdrawn(RoleChange) = "vestibule.role.withdrawn.v1", 1;
}
