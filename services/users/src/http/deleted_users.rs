//! `/admin/v1/deleted-users`: users who were deleted, until they are erased.

use std::time::Duration;

use axum::extract::State;
use chassis::access::{Admin, Scoped, check_recent_sign_in};
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::Db;
use chassis::http::{Json, Path, Problem, Query};
use contract::{Email, PersonName, UserId, UserName, UserState};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::directory::DeletedUsers;
use crate::users::{self, DeletedUser, Invalid, PagePosition, UserError, Users};

/// The maximum number of users of a page.
const MAX_PAGE: u16 = 200;

/// The age of the sign-in of an administrator who erases somebody.
const RECENT: Duration = Duration::from_secs(15 * 60);

/// The parameters of the list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletedUsersQuery {
    /// Only users who had this name.
    user_name: Option<UserName>,
    /// The `next` of the page before.
    after: Option<String>,
    /// The maximum number of users, 1 to 200; 50 by default.
    #[schemars(range(min = 1, max = MAX_PAGE))]
    limit: Option<u16>,
}

/// A page of deleted users.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct DeletedUserPage {
    /// The users, the last deleted first.
    users: Vec<DeletedUserView>,
    /// The value of `after` for the next page, if there is one.
    next: Option<String>,
}

/// A deleted user.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "DeletedUser")]
pub(crate) struct DeletedUserView {
    id: UserId,
    user_name: UserName,
    name: PersonName,
    emails: Vec<Email>,
    /// The names of the groups that the user was a direct member of.
    groups: Vec<String>,
    /// True if the user could sign in before.
    was_active: bool,
    /// The time of the deletion.
    deleted_at: Timestamp,
    /// The end of the grace period. The erasure follows within hours.
    restorable_until: Timestamp,
}

/// The body of a restoration.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Restoration {
    /// Another user name, if somebody has the one of the user.
    user_name: Option<UserName>,
}

impl DeletedUserView {
    fn of(deleted: DeletedUser, users: &Users) -> Self {
        let restorable_until = users.grace_ends(&deleted);
        let DeletedUser {
            state,
            was_active,
            deleted_at,
        } = deleted;
        Self {
            id: state.id,
            user_name: state.user_name,
            name: state.name,
            emails: state.emails,
            groups: state.groups,
            was_active,
            deleted_at,
            restorable_until,
        }
    }
}

/// `GET /admin/v1/deleted-users`: lists deleted users.
pub(crate) async fn list(
    _: Scoped<Admin>,
    State(db): State<Db>,
    State(users): State<Users>,
    Query(query): Query<DeletedUsersQuery>,
) -> Result<Json<DeletedUserPage>, Problem> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid().field("limit", format!("expected 1 to {MAX_PAGE}")));
    }
    let after = match &query.after {
        Some(text) => {
            let position = read_position(text);
            Some(position.ok_or_else(|| Problem::invalid().field("after", "is no `next` of a page"))?)
        }
        None => None,
    };
    let key = query.user_name.as_ref().map(UserName::key);
    let mut reader = db.reader().await?;
    let found = users::deleted_page(&mut reader, key, after, i64::from(limit)).await?;
    let last = found.last().filter(|_| found.len() == usize::from(limit));
    let next = last.map(|last| format!("{}.{}", last.deleted_at.as_micros(), last.state.id));
    let views = found.into_iter().map(|user| DeletedUserView::of(user, &users));
    Ok(Json(DeletedUserPage {
        users: views.collect(),
        next,
    }))
}

/// `GET /admin/v1/deleted-users/{id}`: returns a deleted user.
pub(crate) async fn show(
    _: Scoped<Admin>,
    State(db): State<Db>,
    State(users): State<Users>,
    Path(id): Path<UserId>,
) -> Result<Json<DeletedUserView>, Problem> {
    let found = users::find_deleted(&mut db.reader().await?, id).await?;
    let deleted = found.ok_or_else(Problem::not_found)?;
    Ok(Json(DeletedUserView::of(deleted, &users)))
}

/// `POST /admin/v1/deleted-users/{id}/restore`: restores a deleted user.
pub(crate) async fn restore(
    _: Scoped<Admin>,
    State(deleted): State<DeletedUsers>,
    Path(id): Path<UserId>,
    Json(restoration): Json<Restoration>,
) -> Result<Json<UserState>, Problem> {
    let restored = deleted.restore(id, restoration.user_name).await;
    restored.map(Json).map_err(problem)
}

/// `DELETE /admin/v1/deleted-users/{id}`: erases a deleted user at once. An administrator has to have signed in recently, because it
/// cannot be undone (RFC 9470, SB-19).
pub(crate) async fn erase(
    caller: Scoped<Admin>,
    State(users): State<Users>,
    State(clock): State<SharedClock>,
    Path(id): Path<UserId>,
) -> Result<StatusCode, Problem> {
    check_recent_sign_in(&caller, clock.now(), RECENT)?;
    users.erase(id).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn read_position(text: &str) -> Option<PagePosition> {
    let (micros, id) = text.split_once('.')?;
    Some((Timestamp::from_micros(micros.parse().ok()?), id.parse().ok()?))
}

fn problem(error: UserError) -> Problem {
    match error {
        UserError::NotFound => Problem::not_found(),
        UserError::NameTaken => Problem::new(
            StatusCode::CONFLICT,
            "user-name-taken",
            "Somebody has this user name, or one that looks like it",
        )
        .detail("Name another one in `user_name`.")
        .field("user_name", "somebody has this name, or one that looks like it"),
        UserError::Invalid(Invalid { field, reason }) => Problem::invalid().field(field, reason),
        UserError::Forbidden(forbidden) => Problem::forbidden(format!("{forbidden}.")),
        UserError::Scim(refused) => Problem::conflict(refused.detail),
        UserError::Changed => Problem::conflict("The user was changed meanwhile."),
        UserError::NoCredentials { retry_after } => Problem::unavailable(retry_after),
        UserError::TooManyTaken { retry_after } => Problem::too_many(retry_after),
        UserError::Db(error) => error.into(),
    }
}
