//! `GET /admin/v1/users`: search of users by what an administrator types (ADR 0038).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::UsersRead;
use chassis::http::{Problem, Query, page_limit};
use contract::{Email, PersonName, UserId, UserState};
use serde::{Deserialize, Serialize};

use super::NO_STORE;
use super::caller::Administering;
use crate::users::{MOST_RESULTS, MatchKind, Part, SearchError, SearchText, Users};

/// The default number of results of a page, and the maximum.
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// The parameters of a search.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextQuery {
    /// Words of a name, a user name, an e-mail address or an id, or the beginning of one; at most 100 characters and five words.
    search: String,
    /// The most users of the page.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = MAX_LIMIT), default = "default_limit")]
    limit: usize,
    /// `next` of the page before.
    #[serde(default)]
    #[schemars(range(min = 0, max = MOST_RESULTS))]
    after: usize,
}

fn default_limit() -> usize {
    DEFAULT_LIMIT
}

/// A page of results, the best first.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct FoundUsers {
    users: Vec<FoundUser>,
    /// `after` of the next page. It is left out when there are no more results, and after the first 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
}

/// A user that a search has found.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct FoundUser {
    id: UserId,
    user_name: String,
    name: PersonName,
    emails: Vec<Email>,
    active: bool,
    /// The kind of the match: `exact`, `prefix`, or `fuzzy` with typos.
    #[serde(rename = "match")]
    kind: MatchKind,
}

impl FoundUser {
    fn new((state, kind): (UserState, MatchKind)) -> Self {
        Self {
            id: state.id,
            user_name: state.user_name.as_str().to_owned(),
            name: state.name,
            emails: state.emails,
            active: state.active,
            kind,
        }
    }
}

/// `GET /admin/v1/users?search=TEXT&limit=&after=`: a page of the users that a text finds.
pub(crate) async fn search(
    State(users): State<Users>,
    caller: Administering<UsersRead>,
    Query(query): Query<TextQuery>,
) -> Result<Response, Problem> {
    let text = SearchText::parse(&query.search)
        .map_err(|reason| Problem::invalid().field("search", reason.to_string()))?;
    page_limit(query.limit, MAX_LIMIT)?;
    if query.after > MOST_RESULTS {
        return Err(Problem::invalid().field("after", format!("Expected a number from 0 to {MOST_RESULTS}.")));
    }
    let part = Part {
        after: query.after,
        limit: query.limit,
    };
    let found = users
        .search_text(&text, part, &caller.authority)
        .await
        .map_err(problem)?;
    let next = found.more.then_some(query.after.saturating_add(query.limit));
    let users = found.users.into_iter().map(FoundUser::new).collect();
    Ok((NO_STORE, Json(FoundUsers { users, next })).into_response())
}

fn problem(error: SearchError) -> Problem {
    match error {
        SearchError::Refused(refused) => Problem::bad_request(refused.detail),
        SearchError::IndexIncomplete => Problem::unavailable(Duration::from_secs(5))
            .detail("The index of users is being built after an upgrade; try again."),
        SearchError::Db(error) => error.into(),
    }
}
