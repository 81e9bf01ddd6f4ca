//! A user or group as a target has it.

use serde_json::{Map, Value};

use super::body::Lean;
use super::{LARGE_BYTES, Reply, USER_BYTES};
use crate::compare::get;

/// The type of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `User`
    User,
    /// `Group`
    Group,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    pub(crate) fn of_name(name: &str) -> Self {
        match name {
            "group" => Self::Group,
            _ => Self::User,
        }
    }

    /// The greatest size of an answer about one resource, in bytes.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::User => USER_BYTES,
            Self::Group => LARGE_BYTES,
        }
    }

    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }
}

/// A resource at the target.
#[derive(Clone, Debug)]
pub(crate) struct RemoteResource {
    /// The id that the target gave.
    pub(crate) id: String,
    /// The entity tag.
    pub(crate) etag: Option<String>,
    /// The whole resource, as far as it was answered.
    pub(crate) attributes: Map<String, Value>,
}

impl RemoteResource {
    pub(super) fn of(reply: Reply<Lean>) -> Option<Self> {
        let of_location = || {
            let path = reply.location.as_deref()?.split(['?', '#']).next()?;
            path.rsplit('/').next().map(str::to_owned)
        };
        let Lean(attributes) = reply.body;
        let id = text(&attributes, "id").map_or_else(of_location, |id| Some(id.to_owned()))?;
        Self::with_id(id, reply.etag, attributes)
    }

    fn with_id(id: String, etag: Option<String>, attributes: Map<String, Value>) -> Option<Self> {
        if id.is_empty() {
            return None;
        }
        let version = get(&attributes, "meta")
            .and_then(|meta| meta.get("version"))
            .and_then(Value::as_str);
        Some(Self {
            etag: etag.or_else(|| version.map(str::to_owned)),
            id,
            attributes,
        })
    }

    pub(super) fn of_list(value: Value) -> Option<Self> {
        let Value::Object(attributes) = value else {
            return None;
        };
        let id = text(&attributes, "id")?.to_owned();
        Self::with_id(id, None, attributes)
    }

    /// The text of an attribute.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        text(&self.attributes, name)
    }
}

pub(super) fn text<'a>(attributes: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    get(attributes, name).and_then(Value::as_str)
}
