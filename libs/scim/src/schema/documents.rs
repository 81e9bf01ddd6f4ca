//! Discovery documents: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7644 §4).

use serde_json::{Value, json};

use super::{CORE_USER, USER, USER_EXTENSIONS};
use crate::list::MAX_RESULTS;

/// `/ServiceProviderConfig` (RFC 7643 §5). `base` is the URL of `/scim/v2`.
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": false},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
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
    })
}

/// `/ResourceTypes`: every resource type (RFC 7643 §6), each as a resource.
pub fn resource_types(base: &str) -> Vec<Value> {
    let extensions: Vec<Value> = USER_EXTENSIONS
        .iter()
        .map(|extension| json!({"schema": extension.id, "required": false}))
        .collect();
    vec![json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": USER.description,
        "schema": CORE_USER,
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/User")},
    })]
}

/// `/Schemas`: every schema (RFC 7643 §7), each as a resource.
pub fn schema_documents(base: &str) -> Vec<Value> {
    std::iter::once(&USER)
        .chain(USER_EXTENSIONS)
        .map(|schema| {
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
                "id": schema.id,
                "name": schema.name,
                "description": schema.description,
                "attributes": schema.attributes.iter().map(|a| a.to_json()).collect::<Vec<_>>(),
                "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)},
            })
        })
        .collect()
}
