//! `GET /scim/v2/Me`: the user whose token it is (RFC 7644 §3.11).

use axum::extract::State;
use chassis::http::{Problem, Query};
use contract::UserState;
use http::StatusCode;
use scim::schema::Accessor;

use super::body::ScimResponse;
use super::refusal::Refusal;
use super::resources::{ResourceQuery, Resources};
use crate::authority::Authority;
use crate::http::caller::CurrentUser;
use crate::http::user::find_active;
use crate::users::{Users, Writer};

/// `GET /scim/v2/Me`: retrieval of the authenticated subject (RFC 7644 §3.11).
pub(crate) async fn show(
    State(users): State<Users>,
    State(resources): State<Resources>,
    user: Result<CurrentUser, Problem>,
    query: Result<Query<ResourceQuery>, Problem>,
) -> Result<ScimResponse, Refusal> {
    let user = user?;
    let own = Writer {
        authority: Authority::EVERYBODY,
        accessor: Accessor::Own,
        client: None,
        makes_administrators: false,
    };
    let view = resources.view(&own, &query?.0)?;
    let stored = find_active(&users, user).await?;
    let state: UserState = stored.read()?;
    resources.response(StatusCode::OK, &state, &view).await
}
