//! The statements that collect what is known of one person. They read the tables of other modules, and write nothing.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError};
use chassis::on_engine;
use uuid::Uuid;

use super::{
    Account, ConsentData, FailedSignIns, GrantData, HostSessionData, KnownDevice, RegistrationData, RoleData,
    SessionData, SetUpLinkData,
};

/// The account.
pub(super) async fn account(db: &mut impl Connection, id: Uuid) -> Result<Option<Account>, DbError> {
    const FIND: &str = "SELECT created_at FROM accounts WHERE id = $1";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// The time at which the person was erased.
pub(super) async fn erased_at(db: &mut impl Connection, id: Uuid) -> Result<Option<Timestamp>, DbError> {
    const FIND: &str = "SELECT erased_at FROM erased_subjects WHERE id = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await?))
}

/// The hash of the password and the time of its last change. The hash tells the scheme, and goes no further.
pub(super) async fn passwords(
    db: &mut impl Connection,
    id: Uuid,
) -> Result<Vec<(String, Timestamp)>, DbError> {
    const FIND: &str = "SELECT hash, changed_at FROM passwords WHERE account_id = $1";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The sessions, in the order in which they started.
pub(super) async fn sessions(db: &mut impl Connection, id: Uuid) -> Result<Vec<SessionData>, DbError> {
    const FIND: &str =
        "SELECT id, started_at, auth_time, amr, last_seen_at, expires_at, client_ip, user_agent FROM sessions
         WHERE account_id = $1 ORDER BY started_at, id";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The sessions at protected hosts, in the order in which they started.
pub(super) async fn host_sessions(
    db: &mut impl Connection,
    id: Uuid,
) -> Result<Vec<HostSessionData>, DbError> {
    const FIND: &str = "SELECT h.host, h.session_id, h.started_at, h.expires_at FROM host_sessions h
         JOIN sessions s ON s.id = h.session_id WHERE s.account_id = $1 ORDER BY h.started_at, h.host";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The known devices, the earliest first.
pub(super) async fn devices(db: &mut impl Connection, id: Uuid) -> Result<Vec<KnownDevice>, DbError> {
    const FIND: &str = "SELECT created_at FROM devices WHERE account_id = $1 ORDER BY created_at";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The roles that the person was given, by client.
pub(super) async fn roles(db: &mut impl Connection, id: Uuid) -> Result<Vec<RoleData>, DbError> {
    const FIND: &str = "SELECT client_id, role, assigned_at FROM role_assignments
         WHERE subject = $1 ORDER BY client_id, role";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The consents, the earliest first.
pub(super) async fn consents(db: &mut impl Connection, id: Uuid) -> Result<Vec<ConsentData>, DbError> {
    const FIND: &str =
        "SELECT client_id, scope, COALESCE(audiences, '') AS audiences, granted_at, updated_at FROM consents
         WHERE subject = $1 ORDER BY granted_at, client_id";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The grants, the earliest first.
pub(super) async fn grants(db: &mut impl Connection, id: Uuid) -> Result<Vec<GrantData>, DbError> {
    const FIND: &str = "SELECT client_id, scope, audiences, created_at, expires_at, revoked_at,
             (SELECT COALESCE(details_text, CAST(details AS TEXT)) FROM grant_details WHERE grant_id = grants.id) AS details
         FROM grants
         WHERE subject = $1 ORDER BY created_at, id";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// Failed sign-ins by minute and reason.
pub(super) async fn failed_sign_ins(
    db: &mut impl Connection,
    id: Uuid,
) -> Result<Vec<FailedSignIns>, DbError> {
    const FIND: &str =
        "SELECT minute_at, reason, CAST(sum(failures) AS BIGINT) AS failures FROM failed_sign_ins
         WHERE account_id = $1 GROUP BY minute_at, reason ORDER BY minute_at, reason";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}

/// The registration.
pub(super) async fn registration(
    db: &mut impl Connection,
    id: Uuid,
) -> Result<Option<RegistrationData>, DbError> {
    const FIND: &str = "SELECT state, requested_at, answered_at FROM registrations WHERE id = $1";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// The set-up links, the earliest first.
pub(super) async fn setup_links(db: &mut impl Connection, id: Uuid) -> Result<Vec<SetUpLinkData>, DbError> {
    const FIND: &str = "SELECT purpose, created_at, expires_at, used_at FROM setup_links
         WHERE account_id = $1 ORDER BY created_at";
    Ok(on_engine!(db, c => sqlx::query_as(FIND).bind(id).fetch_all(c).await?))
}
