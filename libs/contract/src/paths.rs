//! The paths of the HTTP APIs: the routes of the services, the command-line tool and the tests name them from here.
//! Parameters stand in braces; [`fill`] replaces them.

use std::fmt::Write as _;

/// `GET /asyncapi.json`: the events as an AsyncAPI document.
pub const ASYNCAPI: &str = "/asyncapi.json";
/// `GET /openapi.json`: the HTTP API of a service as an OpenAPI document.
pub const OPENAPI: &str = "/openapi.json";
/// `GET /docs`: the same as a page.
pub const DOCS: &str = "/docs";
/// `GET /docs/style.css`: the style sheet of that page.
pub const DOCS_STYLE: &str = "/docs/style.css";

/// The event feed, the snapshot, and what reconcilers ask for, of both services.
pub mod events {
    /// The feed.
    pub const FEED: &str = "/events";
    /// The current state of everything.
    pub const SNAPSHOT: &str = "/events/snapshot";
    /// Digests of ranges of aggregates.
    pub const DIGEST: &str = "/events/digest";
    /// The versions of aggregates.
    pub const VERSIONS: &str = "/events/versions";
    /// The states of certain aggregates.
    pub const STATES: &str = "/events/states";
}

/// The operations on events, of both services.
pub mod operations {
    /// Compares with the service that is followed, and repairs.
    pub const RECONCILE: &str = "/admin/v1/events/reconcile";
    /// The numbers of waiting events, and the replicas that publish.
    pub const STATS: &str = "/admin/v1/events/stats";
    /// Checks of what the events promise.
    pub const VERIFY: &str = "/admin/v1/events/verify";
    /// Events that were not published or not applied.
    pub const DEAD_LETTERS: &str = "/admin/v1/events/dead-letters";
    /// Publishes or applies events again.
    pub const REPLAY: &str = "/admin/v1/events/replay";
}

/// The webhooks, of both services.
pub mod webhooks {
    /// All webhooks.
    pub const WEBHOOKS: &str = "/admin/v1/webhooks";
    /// One webhook.
    pub const WEBHOOK: &str = "/admin/v1/webhooks/{id}";
    /// Its secret.
    pub const ROTATE_SECRET: &str = "/admin/v1/webhooks/{id}/rotate-secret";
    /// A delivery that says nothing.
    pub const TEST: &str = "/admin/v1/webhooks/{id}/test";
    /// Delivers again what was dead-lettered.
    pub const REPLAY: &str = "/admin/v1/webhooks/{id}/replay";
    /// Its deliveries.
    pub const DELIVERIES: &str = "/admin/v1/webhooks/{id}/deliveries";
    /// One delivery.
    pub const DELIVERY: &str = "/admin/v1/webhooks/{id}/deliveries/{event}";
    /// Delivers one event again.
    pub const REPLAY_DELIVERY: &str = "/admin/v1/webhooks/{id}/deliveries/{event}/replay";
}

/// The user service.
pub mod users {
    /// The user's own record.
    pub const USER: &str = "/user";
    /// The fast path of a registration.
    pub const REGISTRATIONS: &str = "/registrations";
    /// The base path of SCIM (RFC 7644 §3.13).
    pub const SCIM: &str = "/scim/v2";
    /// The users as SCIM resources.
    pub const SCIM_USERS: &str = "/scim/v2/Users";
    /// One user.
    pub const SCIM_USER: &str = "/scim/v2/Users/{id}";
    /// The search of users, by POST.
    pub const SCIM_USERS_SEARCH: &str = "/scim/v2/Users/.search";
    /// The user whose token it is, as a SCIM resource.
    pub const SCIM_ME: &str = "/scim/v2/Me";
    /// The groups as SCIM resources.
    pub const SCIM_GROUPS: &str = "/scim/v2/Groups";
    /// One group.
    pub const SCIM_GROUP: &str = "/scim/v2/Groups/{id}";
    /// The features that the SCIM server supports.
    pub const SCIM_CONFIG: &str = "/scim/v2/ServiceProviderConfig";
    /// The resource types.
    pub const SCIM_RESOURCE_TYPES: &str = "/scim/v2/ResourceTypes";
    /// One resource type.
    pub const SCIM_RESOURCE_TYPE: &str = "/scim/v2/ResourceTypes/{id}";
    /// The schemas.
    pub const SCIM_SCHEMAS: &str = "/scim/v2/Schemas";
    /// One schema.
    pub const SCIM_SCHEMA: &str = "/scim/v2/Schemas/{id}";
}

/// The authentication service.
pub mod auth {
    /// OpenID Provider metadata (OpenID Connect Discovery §4).
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
    /// Authorization server metadata (RFC 8414 §3).
    pub const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";
    /// The public signing keys.
    pub const JWKS: &str = "/oauth2/jwks";
    /// The authorization endpoint.
    pub const AUTHORIZE: &str = "/oauth2/authorize";
    /// The token endpoint.
    pub const TOKEN: &str = "/oauth2/token";
    /// The UserInfo endpoint.
    pub const USERINFO: &str = "/oauth2/userinfo";
    /// The revocation endpoint.
    pub const REVOKE: &str = "/oauth2/revoke";
    /// The end-session endpoint.
    pub const END_SESSION: &str = "/oauth2/logout";
    /// Direct sign-in.
    pub const AUTHENTICATE: &str = "/authenticate";
    /// The list of revocations, whose tokens resource servers have to refuse.
    pub const REVOCATIONS: &str = "/revocations";
    /// The accounts.
    pub const USERS: &str = "/admin/v1/users";
    /// A link with which the owner of an account chooses a password.
    pub const SETUP_LINK: &str = "/admin/v1/users/{id}/setup-link";
    /// The sessions of an account.
    pub const SESSIONS: &str = "/admin/v1/users/{id}/sessions";
    /// The credentials of an account.
    pub const CREDENTIALS: &str = "/admin/v1/users/{id}/credentials";
    /// The credentials of many accounts.
    pub const CREDENTIAL_BATCH: &str = "/admin/v1/users/credentials";
    /// The OAuth clients.
    pub const CLIENTS: &str = "/admin/v1/clients";
    /// One client.
    pub const CLIENT: &str = "/admin/v1/clients/{client_id}";
    /// The signing keys.
    pub const KEYS: &str = "/admin/v1/keys";
    /// Their rotation.
    pub const ROTATE_KEYS: &str = "/admin/v1/keys/rotate";
    /// The start page.
    pub const HOME: &str = "/";
    /// The sign-in page.
    pub const LOGIN: &str = "/login";
    /// The registration page.
    pub const REGISTER: &str = "/register";
    /// The page that waits for a registration.
    pub const REGISTRATION_STATUS: &str = "/register/wait";
    /// The page of a set-up link.
    pub const SETUP: &str = "/setup";
    /// The sign-out page.
    pub const LOGOUT: &str = "/logout";
    /// Style sheet, icon and logo.
    pub const ASSET: &str = "/assets/{name}";
    /// The icon, for programs that read no page.
    pub const FAVICON: &str = "/favicon.ico";
}

/// The path with its parameters replaced by `values`, in order, percent-encoded (RFC 3986 §3.3).
pub fn fill(path: &str, values: &[&str]) -> String {
    let mut filled = String::new();
    let mut values = values.iter();
    for (at, part) in path.split('{').enumerate() {
        let literal = match (at, part.split_once('}')) {
            (0, _) | (_, None) => part,
            (_, Some((_, rest))) => {
                encode_into(&mut filled, values.next().copied().unwrap_or_default());
                rest
            }
        };
        filled.push_str(literal);
    }
    filled
}

fn encode_into(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in_order_and_encoded() {
        assert_eq!(fill(auth::USERS, &[]), "/admin/v1/users");
        assert_eq!(fill(auth::CLIENT, &["a/b c"]), "/admin/v1/clients/a%2Fb%20c");
        assert_eq!(
            fill(webhooks::REPLAY_DELIVERY, &["1", "2"]),
            "/admin/v1/webhooks/1/deliveries/2/replay"
        );
    }
}
