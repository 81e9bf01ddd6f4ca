//! The requests about users and groups of a target (RFC 7644 §3.3 to §3.6).

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Map, Value};

use super::body::{Lean, Members};
use super::resource::{Kind, RemoteResource, text};
use super::{Call, Features, LARGE_BYTES, Remote, RemoteError, Reply};
use crate::compare::get;

/// A page of a list (RFC 7644 §3.4.2).
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) resources: Vec<RemoteResource>,
    /// The start of the next page, if there is one: `startIndex`, or a cursor after `c:`.
    pub(crate) next: Option<String>,
}

impl Remote<'_> {
    /// The resource with an id of the target; `None` without one.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn read(&self, kind: Kind, id: &str) -> Result<Option<RemoteResource>, RemoteError> {
        let mut call = Call::new(Method::GET, vec![kind.endpoint(), id], Some(kind.bytes()));
        if kind == Kind::Group {
            // There may be very many.
            call.query.push(("excludedAttributes", "members".to_owned()));
        }
        match self.send::<Lean>(&call).await {
            Ok(reply) => Ok(RemoteResource::of(Reply {
                location: Some(id.to_owned()),
                ..reply
            })),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ids at the target of all members of the group with an id of the target; `None` without one.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn members(&self, id: &str) -> Result<Option<BTreeSet<String>>, RemoteError> {
        let path = vec![Kind::Group.endpoint(), id];
        let call = Call::new(Method::GET, path, Some(LARGE_BYTES));
        match self.send::<Members>(&call).await {
            Ok(reply) => Ok(Some(reply.body.ids())),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Those resources of which `attribute` is `value`; `None` from a target that does not search by it.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn find(
        &self,
        kind: Kind,
        attribute: &str,
        value: &str,
    ) -> Result<Option<Vec<RemoteResource>>, RemoteError> {
        let mut call = Call::new(Method::GET, vec![kind.endpoint()], Some(kind.bytes()));
        call.query
            .push(("filter", format!("{attribute} eq {}", Value::from(value))));
        if kind == Kind::Group {
            call.query.push(("excludedAttributes", "members".to_owned()));
        }
        let reply = match self.send::<Lean>(&call).await {
            Ok(reply) => reply,
            Err(error) if error.is_missing() => return Err(without_endpoint(kind, error)),
            Err(error) if error.is_permanent() => return Ok(None),
            Err(error) => return Err(error),
        };
        let (found, _) = resources(reply.body.0);
        // A target that passes the filter over answers with everybody.
        let matches = |found: &RemoteResource| {
            found
                .text(attribute)
                .is_some_and(|there| there.to_lowercase() == value.to_lowercase())
        };
        Ok(Some(found.into_iter().filter(matches).collect()))
    }

    /// Has the target list a resource, which shows that its endpoint is there.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn probe(&self, kind: Kind) -> Result<(), RemoteError> {
        let mut call = Call::new(Method::GET, vec![kind.endpoint()], Some(LARGE_BYTES));
        call.query.push(("count", "1".to_owned()));
        if kind == Kind::Group {
            call.query.push(("excludedAttributes", "members".to_owned()));
        }
        match self.send::<Lean>(&call).await {
            Err(error) if error.is_missing() => Err(without_endpoint(kind, error)),
            other => other.map(drop),
        }
    }

    /// The number of resources of a type; `None` from a target that does not tell it without listing them.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn total(&self, kind: Kind) -> Result<Option<u64>, RemoteError> {
        let mut call = Call::new(Method::GET, vec![kind.endpoint()], Some(LARGE_BYTES));
        // RFC 7644 §3.4.2.4: no resources, only their number.
        call.query.push(("count", "0".to_owned()));
        if kind == Kind::Group {
            call.query.push(("excludedAttributes", "members".to_owned()));
        }
        match self.send::<Lean>(&call).await {
            Ok(reply) => Ok(get(&reply.body.0, "totalResults").and_then(Value::as_u64)),
            Err(RemoteError::TooLarge { .. } | RemoteError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a resource, and returns it as the target has it.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn create(&self, kind: Kind, body: &Value) -> Result<RemoteResource, RemoteError> {
        let mut call = Call::new(Method::POST, vec![kind.endpoint()], Some(kind.bytes()));
        call.body = Some(body);
        let reply = self.send(&call).await?;
        RemoteResource::of(reply).ok_or_else(|| {
            RemoteError::malformed(
                http::StatusCode::CREATED,
                "the answer names no id of what was created",
            )
        })
    }

    /// Changes a resource by PATCH.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn patch(
        &self,
        kind: Kind,
        id: &str,
        body: &Value,
        if_match: Option<&str>,
    ) -> Result<(), RemoteError> {
        let mut call = Call::new(Method::PATCH, vec![kind.endpoint(), id], None);
        call.body = Some(body);
        call.if_match = if_match;
        self.send::<Lean>(&call).await.map(drop)
    }

    /// Puts another resource in place of one.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn replace(
        &self,
        kind: Kind,
        id: &str,
        body: &Value,
        if_match: Option<&str>,
    ) -> Result<(), RemoteError> {
        let mut call = Call::new(Method::PUT, vec![kind.endpoint(), id], None);
        call.body = Some(body);
        call.if_match = if_match;
        self.send::<Lean>(&call).await.map(drop)
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn delete(&self, kind: Kind, id: &str) -> Result<(), RemoteError> {
        let call = Call::new(Method::DELETE, vec![kind.endpoint(), id], None);
        self.send::<Lean>(&call).await.map(drop)
    }

    /// A page of all resources; `start` is empty, or the `next` of the page before.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub(crate) async fn page(
        &self,
        kind: Kind,
        start: &str,
        features: Features,
    ) -> Result<Page, RemoteError> {
        let mut call = Call::new(Method::GET, vec![kind.endpoint()], Some(LARGE_BYTES));
        call.query.push(("count", features.page.to_string()));
        if kind == Kind::Group {
            call.query.push(("excludedAttributes", "members".to_owned()));
        }
        let index: u64 = start.parse().unwrap_or(1);
        match start.strip_prefix("c:") {
            Some(cursor) => call.query.push(("cursor", cursor.to_owned())),
            // RFC 9865 §2: an empty cursor asks for the first page.
            None if start.is_empty() && features.cursor => call.query.push(("cursor", String::new())),
            None => call.query.push(("startIndex", index.to_string())),
        }
        let Lean(body) = self.send(&call).await?.body;
        let cursor = text(&body, "nextCursor").map(|cursor| format!("c:{cursor}"));
        let total = get(&body, "totalResults").and_then(Value::as_u64);
        let (resources, count) = resources(body);
        let by_index = || {
            let next = index.saturating_add(count);
            let left = count > 0 && total.is_some_and(|total| next <= total);
            left.then(|| next.to_string())
        };
        let by_cursor = call.query.iter().any(|(name, _)| *name == "cursor");
        Ok(Page {
            next: if by_cursor { cursor } else { by_index() },
            resources,
        })
    }
}

/// The error that 404 to a search means. Without an endpoint of users the target is not there, as behind a proxy that has lost
/// its route; one of groups may never have been there.
fn without_endpoint(kind: Kind, error: RemoteError) -> RemoteError {
    match (kind, error) {
        (Kind::User, RemoteError::Refused { status, reason }) => RemoteError::Unavailable {
            status: Some(status),
            reason: format!("no endpoint for users: {reason}"),
            retry_after: None,
        },
        (_, error) => error,
    }
}

/// The resources of a list that have an id, and the number of all.
fn resources(mut body: Map<String, Value>) -> (Vec<RemoteResource>, u64) {
    let listed = match body.remove("Resources") {
        Some(Value::Array(listed)) => listed,
        _ => Vec::new(),
    };
    let count = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    (
        listed.into_iter().filter_map(RemoteResource::of_list).collect(),
        count,
    )
}
