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

/// Outbound provisioning, of the user service.
pub mod provisioning {
    /// All targets.
    pub const TARGETS: &str = "/admin/v1/provisioning-targets";
    /// One target.
    pub const TARGET: &str = "/admin/v1/provisioning-targets/{id}";
    /// Pushes what differs from what was pushed.
    pub const SYNC: &str = "/admin/v1/provisioning-targets/{id}/sync";
    /// Pushes once more what was dead-lettered.
    pub const RETRY: &str = "/admin/v1/provisioning-targets/{id}/retry";
    /// The users and groups at the target.
    pub const RESOURCES: &str = "/admin/v1/provisioning-targets/{id}/resources";
    /// One of them.
    pub const RESOURCE: &str = "/admin/v1/provisioning-targets/{id}/resources/{resource}";
    /// Pushes one of them once more.
    pub const RETRY_RESOURCE: &str = "/admin/v1/provisioning-targets/{id}/resources/{resource}/retry";
    /// The pushes that a sync would make.
    pub const DRY_RUN: &str = "/admin/v1/provisioning-targets/{id}/dry-run";
    /// The comparison of what the target has with what it should have.
    pub const DRIFT_CHECK: &str = "/admin/v1/provisioning-targets/{id}/drift-check";
}

/// The user service.
pub mod users {
    /// The metadata of the service as a protected resource (RFC 9728 §3).
    pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";
    /// The user's own record.
    pub const USER: &str = "/user";
    /// The fast path of a registration.
    pub const REGISTRATIONS: &str = "/registrations";
    /// The search of users for administrators.
    pub const ADMIN_USERS: &str = "/admin/v1/users";
    /// The data that the service holds about a user.
    pub const PERSONAL_DATA: &str = "/admin/v1/users/{id}/data";
    /// The import of users with their ids.
    pub const IMPORT_USERS: &str = "/admin/v1/import/users";
    /// The import of groups with their ids.
    pub const IMPORT_GROUPS: &str = "/admin/v1/import/groups";
    /// The export of users, with everything that an import takes back.
    pub const EXPORT_USERS: &str = "/admin/v1/export/users";
    /// The export of groups, without their members.
    pub const EXPORT_GROUPS: &str = "/admin/v1/export/groups";
    /// The users who were deleted and can be restored.
    pub const DELETED_USERS: &str = "/admin/v1/deleted-users";
    /// One of them.
    pub const DELETED_USER: &str = "/admin/v1/deleted-users/{id}";
    /// The restoration of one of them.
    pub const RESTORE_USER: &str = "/admin/v1/deleted-users/{id}/restore";
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
    /// The search of all resource types, by POST.
    pub const SCIM_SEARCH: &str = "/scim/v2/.search";
    /// Many changes at once.
    pub const SCIM_BULK: &str = "/scim/v2/Bulk";
    /// The search of groups, by POST.
    pub const SCIM_GROUPS_SEARCH: &str = "/scim/v2/Groups/.search";
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
    /// The provisioning clients.
    pub const PROVISIONING_CLIENTS: &str = "/admin/v1/provisioning-clients";
    /// One provisioning client.
    pub const PROVISIONING_CLIENT: &str = "/admin/v1/provisioning-clients/{id}";
    /// Its tokens.
    pub const PROVISIONING_TOKENS: &str = "/admin/v1/provisioning-clients/{id}/tokens";
    /// One token of it.
    pub const PROVISIONING_TOKEN: &str = "/admin/v1/provisioning-clients/{id}/tokens/{token}";
    /// The delegations.
    pub const DELEGATIONS: &str = "/admin/v1/delegations";
    /// One delegation.
    pub const DELEGATION: &str = "/admin/v1/delegations/{id}";
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
    /// Pushed authorization requests.
    pub const PUSHED_AUTHORIZATION_REQUEST: &str = "/oauth2/par";
    /// Device authorization requests (RFC 8628 §3.1).
    pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
    /// The UserInfo endpoint.
    pub const USERINFO: &str = "/oauth2/userinfo";
    /// The revocation endpoint.
    pub const REVOKE: &str = "/oauth2/revoke";
    /// Token introspection (RFC 7662).
    pub const INTROSPECT: &str = "/oauth2/introspect";
    /// The end-session endpoint.
    pub const END_SESSION: &str = "/oauth2/logout";
    /// The page of a person with their sessions and connected applications.
    pub const SECURITY: &str = "/security";
    /// Its form that ends a session.
    pub const SECURITY_SESSIONS: &str = "/security/sessions";
    /// Its form that withdraws the access of an application.
    pub const SECURITY_APPLICATIONS: &str = "/security/applications";
    /// The consent page.
    pub const CONSENT: &str = "/consent";
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
    /// One session of an account.
    pub const SESSION: &str = "/admin/v1/users/{id}/sessions/{session_id}";
    /// The applications that have access for the owner of an account.
    pub const CONSENTS: &str = "/admin/v1/users/{id}/consents";
    /// The access of one application.
    pub const CONSENT_OF_CLIENT: &str = "/admin/v1/users/{id}/consents/{client_id}";
    /// The credentials of an account.
    pub const CREDENTIALS: &str = "/admin/v1/users/{id}/credentials";
    /// The credentials of many accounts.
    pub const CREDENTIAL_BATCH: &str = "/admin/v1/users/credentials";
    /// The data that the service holds about the owner of an account.
    pub const PERSONAL_DATA: &str = "/admin/v1/users/{id}/data";
    /// The password that comes with a change of a user.
    pub const PENDING_CREDENTIAL: &str = "/pending-credentials/{id}";
    /// The question of a proxy whether a request to a protected host may pass.
    pub const FORWARD_AUTH: &str = "/forward-auth";
    /// The same question of Envoy, before the path of the request.
    pub const FORWARD_AUTH_ENVOY: &str = "/forward-auth/envoy";
    /// The way from a protected host to the sign-in, and back with a ticket.
    pub const FORWARD_AUTH_SIGN_IN: &str = "/forward-auth/sign-in";
    /// At a protected host: the way to the sign-in.
    pub const HOST_SIGN_IN: &str = "/.vestibule/sign-in";
    /// At a protected host: the way back with a ticket.
    pub const HOST_CALLBACK: &str = "/.vestibule/callback";
    /// At a protected host: the sign-out page.
    pub const HOST_SIGN_OUT: &str = "/.vestibule/sign-out";
    /// The protected hosts.
    pub const PROTECTED_HOSTS: &str = "/admin/v1/protected-hosts";
    /// One protected host.
    pub const PROTECTED_HOST: &str = "/admin/v1/protected-hosts/{host}";
    /// The clients that declarative files manage.
    pub const MANAGED_CLIENTS: &str = "/admin/v1/managed/clients";
    /// One client that a declarative file manages.
    pub const MANAGED_CLIENT: &str = "/admin/v1/managed/clients/{client_id}";
    /// The protected hosts that declarative files manage.
    pub const MANAGED_HOSTS: &str = "/admin/v1/managed/protected-hosts";
    /// One protected host that a declarative file manages.
    pub const MANAGED_HOST: &str = "/admin/v1/managed/protected-hosts/{host}";
    /// The OAuth clients.
    pub const CLIENTS: &str = "/admin/v1/clients";
    /// One client.
    pub const CLIENT: &str = "/admin/v1/clients/{client_id}";
    /// The registration endpoint (RFC 7591 §3).
    pub const CLIENT_REGISTRATION: &str = "/oauth2/register";
    /// The configuration endpoint of a client that registered itself (RFC 7592 §2).
    pub const CLIENT_CONFIGURATION: &str = "/oauth2/register/{client_id}";
    /// The initial access tokens for registration.
    pub const INITIAL_ACCESS_TOKENS: &str = "/admin/v1/initial-access-tokens";
    /// One of them.
    pub const INITIAL_ACCESS_TOKEN: &str = "/admin/v1/initial-access-tokens/{id}";
    /// The roles that people were given at a client.
    pub const CLIENT_ASSIGNMENTS: &str = "/admin/v1/clients/{client_id}/assignments";
    /// One of them.
    pub const CLIENT_ASSIGNMENT: &str = "/admin/v1/clients/{client_id}/assignments/{id}/{role}";
    /// Its secrets.
    pub const CLIENT_SECRETS: &str = "/admin/v1/clients/{client_id}/secrets";
    /// One of them.
    pub const CLIENT_SECRET: &str = "/admin/v1/clients/{client_id}/secrets/{secret_id}";
    /// The scopes, each with its claims.
    pub const SCOPES: &str = "/admin/v1/scopes";
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
    /// The page on which people allow devices access (RFC 8628 §3.3).
    pub const DEVICE: &str = "/device";
    /// The sign-out page.
    pub const LOGOUT: &str = "/logout";
    /// Style sheet, icon and logo.
    pub const ASSET: &str = "/assets/{name}";
    /// The logo of a client.
    pub const CLIENT_LOGO: &str = "/client-logos/{digest}";
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
