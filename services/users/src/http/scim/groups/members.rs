//! The members of a group in responses: all of them up to a limit, or page by page (ADR 0035).

use axum::response::Response;
use chassis::db::{DbError, Reader};
use http::HeaderValue;
use http::header::LINK;
use scim::Error;
use scim::cursor::{Cursor, CursorKey, Direction, QueryDigest};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::groups::{self, Group};

/// The most members that a response has of one group. A larger group is returned without `members`.
pub(super) const MAX_MEMBERS: i64 = 1_000;

/// The members of a group, the groups among them first, each by id; `None` when there are more than [`MAX_MEMBERS`].
///
/// # Errors
/// When the database fails.
pub(super) async fn all(
    reader: &mut Reader,
    group: &Group,
    base: &str,
) -> Result<Option<Vec<Value>>, DbError> {
    let (members, next) = page_after(reader, group, Position::FIRST, MAX_MEMBERS, base).await?;
    Ok(next.is_none().then_some(members))
}

/// A position among the members: behind this group, or behind this user.
#[derive(Clone, Copy, Debug)]
enum Position {
    Group(Uuid),
    User(Uuid),
}

impl Position {
    const FIRST: Self = Self::Group(Uuid::nil());

    fn to_key(self) -> Vec<Option<String>> {
        match self {
            Self::Group(id) => vec![Some("Group".to_owned()), Some(id.to_string())],
            Self::User(id) => vec![Some("User".to_owned()), Some(id.to_string())],
        }
    }

    fn from_key(key: &[Option<String>]) -> Option<Self> {
        let [Some(kind), Some(id)] = key else { return None };
        let id = id.parse().ok()?;
        match kind.as_str() {
            "Group" => Some(Self::Group(id)),
            "User" => Some(Self::User(id)),
            _ => None,
        }
    }
}

async fn page_after(
    reader: &mut Reader,
    group: &Group,
    from: Position,
    limit: i64,
    base: &str,
) -> Result<(Vec<Value>, Option<Position>), DbError> {
    let more = limit.saturating_add(1);
    let mut found: Vec<(Position, Value)> = Vec::new();
    let mut after_user = Uuid::nil();
    match from {
        Position::Group(after) => {
            for (id, name) in groups::children_after(reader, group.id, after, more).await? {
                let shown = json!({ "value": id, "$ref": format!("{base}/Groups/{id}"), "type": "Group", "display": name });
                found.push((Position::Group(id), shown));
            }
        }
        Position::User(after) => after_user = after,
    }
    let left = more.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
    if left > 0 {
        for member in groups::user_members_after(reader, group.id, after_user, left).await? {
            let (id, name) = (member.id, member.name);
            let shown =
                json!({ "value": id, "$ref": format!("{base}/Users/{id}"), "type": "User", "display": name });
            found.push((Position::User(id), shown));
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().map(|(position, _)| *position).filter(|_| !is_last);
    Ok((found.into_iter().map(|(_, shown)| shown).collect(), next))
}

/// The requested page of the members of one group.
#[derive(Clone, Debug)]
pub(super) struct MemberPage {
    cursor: Option<String>,
    count: i64,
}

impl MemberPage {
    /// Parses `membersCursor` and `membersCount`; `None` without either.
    ///
    /// # Errors
    /// `invalidCount` for a count that is no whole number from 1.
    pub(super) fn parse(cursor: Option<&str>, count: Option<&str>) -> Result<Option<Self>, Error> {
        if cursor.is_none() && count.is_none() {
            return Ok(None);
        }
        let refused = || Error::invalid_count("membersCount: expected a whole number from 1");
        let count = count.map_or(Ok(MAX_MEMBERS), |text| text.parse().map_err(|_| refused()))?;
        if count < 1 {
            return Err(refused());
        }
        Ok(Some(Self {
            cursor: cursor.filter(|text| !text.is_empty()).map(str::to_owned),
            count: count.min(MAX_MEMBERS),
        }))
    }

    /// The members of the page, and the cursor of the next one.
    ///
    /// # Errors
    /// `invalidCursor`; when the database fails.
    pub(super) async fn load(
        &self,
        reader: &mut Reader,
        cursor_key: &CursorKey,
        group: &Group,
        base: &str,
    ) -> Result<(Vec<Value>, Option<String>), super::Refusal> {
        let digest = QueryDigest::of(["members", &group.id.to_string()]);
        let from = match &self.cursor {
            // A position is an id, which is never used again: it does not expire.
            Some(text) => {
                let cursor = Cursor::decode(text, cursor_key, &digest, 0, u64::MAX)?;
                Position::from_key(&cursor.key).ok_or_else(Error::invalid_cursor)?
            }
            None => Position::FIRST,
        };
        let (members, next) = page_after(reader, group, from, self.count, base).await?;
        let next = next.map(|position| {
            let cursor = Cursor {
                direction: Direction::Next,
                key: position.to_key(),
            };
            cursor.encode(cursor_key, &digest, 0)
        });
        Ok((members, next))
    }

    /// The response with a link to the next page (RFC 8288), if there is one.
    pub(super) fn with_link(&self, mut response: Response, next: Option<&str>, location: &str) -> Response {
        let link = next.map(|cursor| {
            format!(
                "<{location}?membersCount={}&membersCursor={cursor}>; rel=\"next\"",
                self.count
            )
        });
        if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}
