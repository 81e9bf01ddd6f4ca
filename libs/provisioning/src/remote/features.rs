//! The features that a target says it has (`ServiceProviderConfig`, RFC 7643 §5).

use http::Method;
use serde_json::{Map, Value};

use super::body::Lean;
use super::{Call, Remote, RemoteError, SMALL_BYTES};

/// The features of a target that decide how it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// It understands PATCH.
    pub(crate) patch: bool,
    /// It has entity tags.
    pub(crate) etag: bool,
    /// It pages by cursors (RFC 9865).
    pub(crate) cursor: bool,
    /// The most resources of a page.
    pub(crate) page: u32,
}

/// Resources of one page.
const PAGE: u32 = 100;

impl Default for Features {
    /// The features of a target that does not say: PATCH, as most that are used with other directories have it.
    fn default() -> Self {
        Self {
            patch: true,
            etag: false,
            cursor: false,
            page: PAGE,
        }
    }
}

impl Features {
    fn read(config: &Map<String, Value>) -> Self {
        let supported = |name: &str| {
            config
                .get(name)
                .and_then(|feature| feature.get("supported"))
                .and_then(Value::as_bool)
        };
        let of_pagination = |name: &str| {
            config
                .get("pagination")
                .and_then(|pagination| pagination.get(name))
        };
        let limits = [
            config.get("filter").and_then(|filter| filter.get("maxResults")),
            of_pagination("maxPageSize"),
        ];
        let largest = limits.iter().flatten().filter_map(|limit| limit.as_u64());
        let page = largest
            .filter_map(|limit| u32::try_from(limit).ok())
            .filter(|limit| *limit > 0)
            .fold(PAGE, u32::min);
        Self {
            patch: supported("patch").unwrap_or(true),
            etag: supported("etag").unwrap_or(false),
            cursor: of_pagination("cursor").and_then(Value::as_bool).unwrap_or(false),
            page,
        }
    }
}

impl Remote<'_> {
    /// The features of the target. One that does not publish them is taken for one with the defaults.
    ///
    /// # Errors
    /// When the target cannot be reached, or refuses the credentials.
    pub(crate) async fn features(&self) -> Result<Features, RemoteError> {
        let call = Call::new(Method::GET, vec!["ServiceProviderConfig"], Some(SMALL_BYTES));
        match self.send::<Lean>(&call).await {
            Ok(reply) => Ok(Features::read(&reply.body.0)),
            Err(RemoteError::Refused { .. }) => Ok(Features::default()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_target_does_not_say_has_a_default() {
        let read = |config: Value| Features::read(config.as_object().unwrap());
        assert_eq!(read(json!({})), Features::default());
        let all = read(json!({
            "patch": { "supported": false }, "etag": { "supported": true },
            "filter": { "supported": true, "maxResults": 50 },
            "pagination": { "cursor": true, "maxPageSize": 20 }
        }));
        let expected = Features {
            patch: false,
            etag: true,
            cursor: true,
            page: 20,
        };
        assert_eq!(all, expected);
    }
}
