//! The discovery document `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4).

use serde_json::{Value, json};

use crate::bulk::BulkLimits;
use crate::list::{DEFAULT_RESULTS, MAX_RESULTS};

/// The features of a server (RFC 7643 §5).
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// PATCH (RFC 7644 §3.5.2).
    pub patch: bool,
    /// The limits of `/Bulk` (RFC 7644 §3.7), if it is there.
    pub bulk: Option<BulkLimits>,
    /// True if a client can set a password.
    pub change_password: bool,
    /// `sortBy` (RFC 7644 §3.4.2.3).
    pub sort: bool,
    /// Pagination with cursors (RFC 9865 §4), if it is there.
    pub pagination: Option<Pagination>,
}

/// Pagination as `/ServiceProviderConfig` describes it (RFC 9865 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pagination {
    /// Seconds for which a cursor is valid.
    pub cursor_timeout: u64,
}

/// `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4). `base` is the URL of `/scim/v2`.
pub fn service_provider_config(base: &str, capabilities: &Capabilities) -> Value {
    let bulk = match capabilities.bulk {
        Some(limits) => json!({
            "supported": true,
            "maxOperations": limits.max_operations,
            "maxPayloadSize": limits.max_payload_size,
        }),
        None => json!({"supported": false, "maxOperations": 0, "maxPayloadSize": 0}),
    };
    let mut config = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": capabilities.patch},
        "bulk": bulk,
        "filter": {"supported": true, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": capabilities.change_password},
        "sort": {"supported": capabilities.sort},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth 2.0 bearer token",
            "description": "An access token with the scope users:read or users:write",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    });
    if let (Some(pagination), Some(members)) = (capabilities.pagination, config.as_object_mut()) {
        members.insert(
            "pagination".to_owned(),
            json!({
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": DEFAULT_RESULTS,
                "maxPageSize": MAX_RESULTS,
                "cursorTimeout": pagination.cursor_timeout,
            }),
        );
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_what_the_server_supports() {
        let base = "https://users.example/scim/v2";
        let least = service_provider_config(base, &Capabilities::default());
        for feature in ["patch", "bulk", "changePassword", "sort"] {
            assert_eq!(least[feature]["supported"], false, "RFC 7643 §5: {feature}");
        }
        assert_eq!(least.get("pagination"), None);
        let all = Capabilities {
            patch: true,
            bulk: Some(BulkLimits {
                max_operations: 1000,
                max_payload_size: 1_048_576,
            }),
            change_password: true,
            sort: true,
            pagination: Some(Pagination { cursor_timeout: 600 }),
        };
        let most = service_provider_config(base, &all);
        for feature in ["patch", "bulk", "changePassword", "sort", "filter", "etag"] {
            assert_eq!(most[feature]["supported"], true, "RFC 7643 §5: {feature}");
        }
        assert_eq!(most["bulk"]["maxOperations"], 1000);
        // RFC 9865 §4: a server that had pages by index goes on with them by default.
        let pagination = json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_RESULTS, "maxPageSize": MAX_RESULTS, "cursorTimeout": 600,
        });
        assert_eq!(most["pagination"], pagination);
    }
}
