//! The endpoints that read a body, and malformed requests to them.

use http::{Method, StatusCode};
use serde_json::Value;

/// The credential of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Anybody,
    Operator,
    /// `auth` itself.
    AuthenticationService,
    /// `users` itself.
    UserService,
    Ann,
    /// A client that authenticates with its secret.
    Client,
}

/// An endpoint that reads a body, with a valid body.
pub(super) struct Endpoint {
    pub(super) service: Service,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) caller: Caller,
    pub(super) content_type: &'static str,
    /// Well-formed, with every required field.
    pub(super) good: &'static str,
    /// A field of `good` and whether its length has a limit.
    pub(super) field: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Auth,
    Users,
}

const JSON: &str = "application/json";
/// The default of `limits.body_bytes`.
const BODY_LIMIT: usize = 256 * 1024;
/// The body limit of unauthenticated requests.
const SMALL_LIMIT: usize = 16 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
const SCIM: &str = "application/scim+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

pub(super) fn endpoints() -> Vec<Endpoint> {
    use Caller::{Ann, Anybody, AuthenticationService, Client, Operator, UserService};
    use Service::{Auth, Users};
    let row = |service, method, path, caller, content_type, good, field| Endpoint {
        service,
        method,
        path,
        caller,
        content_type,
        good,
        field,
    };
    vec![
        row(
            Auth,
            Method::POST,
            "/authenticate",
            Anybody,
            JSON,
            r#"{"username":"mallory","password":"plum-tractor-violin-42"}"#,
            "username",
        ),
        row(
            Auth,
            Method::POST,
            "/admin/v1/users",
            Operator,
            JSON,
            r#"{"user_name":"mallory","email":"mallory@example.com","password":"plum-tractor-violin-42"}"#,
            "user_name",
        ),
        row(
            Auth,
            Method::POST,
            "/admin/v1/webhooks",
            Operator,
            JSON,
            r#"{"url":"https://8.8.8.8/","types":["*"],"description":"mallory"}"#,
            "description",
        ),
        row(
            Users,
            Method::POST,
            "/admin/v1/webhooks",
            Operator,
            JSON,
            r#"{"url":"https://8.8.8.8/","types":["*"],"description":"mallory"}"#,
            "description",
        ),
        row(
            Users,
            Method::POST,
            "/admin/v1/provisioning-targets",
            Operator,
            JSON,
            r#"{"name":"mallory","base_url":"https://8.8.8.8/","credentials":{"type":"bearer","token":"x"}}"#,
            "name",
        ),
        row(
            Auth,
            Method::POST,
            "/admin/v1/clients",
            Operator,
            JSON,
            r#"{"client_name":"mallory","redirect_uris":["http://localhost/cb"]}"#,
            "client_name",
        ),
        row(
            Auth,
            Method::PUT,
            "/admin/v1/managed/clients/mallory",
            Operator,
            JSON,
            r#"{"managed_by":"mallory","metadata":{"redirect_uris":["http://localhost/cb"]}}"#,
            "managed_by",
        ),
        row(
            Auth,
            Method::PUT,
            "/admin/v1/managed/protected-hosts/mallory.example.org",
            Operator,
            JSON,
            r#"{"managed_by":"mallory","host":"mallory.example.org","name":"M","rules":{"everybody":true}}"#,
            "managed_by",
        ),
        row(
            Auth,
            Method::PUT,
            "/admin/v1/users/01987c5e-1111-7000-8000-000000000000/credentials",
            Operator,
            JSON,
            r#"{"password_hash":"$2b$mallory"}"#,
            "password_hash",
        ),
        row(
            Auth,
            Method::PUT,
            "/pending-credentials/01987c5e-1111-7000-8000-000000000000",
            UserService,
            JSON,
            r#"{"user_id":"01987c5e-2222-7000-8000-000000000000","password":"mallory","user_name":"mallory"}"#,
            "password",
        ),
        // A bad row is answered with 200 and its result, so the value that is spoiled stands beside the rows.
        row(
            Auth,
            Method::POST,
            "/admin/v1/users/credentials",
            Operator,
            JSON,
            r#"{"credentials":[{"id":"x","password_hash":"y"}],"replace":"mallory"}"#,
            "replace",
        ),
        row(
            Auth,
            Method::POST,
            "/oauth2/token",
            Client,
            FORM,
            "grant_type=client_credentials&scope=events%3Aread",
            "grant_type",
        ),
        row(
            Auth,
            Method::POST,
            "/oauth2/revoke",
            Client,
            FORM,
            "token=mallory",
            "token",
        ),
        row(
            Auth,
            Method::POST,
            "/register",
            Anybody,
            FORM,
            "user_name=mallory&email=mallory%40example.com&password=plum-tractor-violin-42",
            "user_name",
        ),
        row(
            Auth,
            Method::POST,
            "/login",
            Anybody,
            FORM,
            "user_name=mallory&password=plum-tractor-violin-42",
            "user_name",
        ),
        row(
            Auth,
            Method::POST,
            "/setup",
            Anybody,
            FORM,
            "token=mallory&user_name=mallory&password=plum-tractor-violin-42",
            "token",
        ),
        row(
            Auth,
            Method::POST,
            "/register/wait",
            Anybody,
            FORM,
            "id=mallory&csrf=mallory",
            "id",
        ),
        row(
            Auth,
            Method::POST,
            "/logout",
            Anybody,
            FORM,
            "csrf=mallory",
            "csrf",
        ),
        row(
            Users,
            Method::PATCH,
            "/user",
            Ann,
            MERGE_PATCH,
            r#"{"name":{"given_name":"mallory"}}"#,
            "name",
        ),
        row(
            Users,
            Method::POST,
            "/registrations",
            AuthenticationService,
            JSON,
            r#"{"id":"01987c5e-1111-7000-8000-000000000000","user_name":"mallory","groups":[],"version":1,"requested_at":"2026-01-01T00:00:00Z"}"#,
            "user_name",
        ),
        row(
            Users,
            Method::POST,
            "/admin/v1/deleted-users/01987c5e-1111-7000-8000-000000000000/restore",
            Operator,
            JSON,
            r#"{"user_name":"mallory"}"#,
            "user_name",
        ),
        row(
            Users,
            Method::POST,
            "/scim/v2/Users",
            Operator,
            SCIM,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mallory"}"#,
            "userName",
        ),
        row(
            Users,
            Method::POST,
            "/scim/v2/Groups",
            Operator,
            SCIM,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"mallory"}"#,
            "displayName",
        ),
        row(
            Users,
            Method::POST,
            "/admin/v1/delegations",
            Operator,
            JSON,
            r#"{"to_user":"01987c5e-1111-7000-8000-000000000000","users_matching":"userName sw \"mallory\""}"#,
            "users_matching",
        ),
        row(
            Users,
            Method::POST,
            "/admin/v1/provisioning-clients",
            Operator,
            JSON,
            r#"{"name":"mallory","scopes":["users:read"]}"#,
            "name",
        ),
    ]
}

/// A malformed request.
pub(super) struct MalformedRequest {
    pub(super) what: &'static str,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    /// The field that the answer has to name, if it has to name one.
    pub(super) names: Option<&'static str>,
    /// The only status that will do, when there is one.
    pub(super) status: Option<StatusCode>,
}

pub(super) fn malformed_requests(endpoint: &Endpoint) -> Vec<MalformedRequest> {
    let good = endpoint.good;
    let form = endpoint.content_type == FORM;
    let plain = |what, body: Vec<u8>| MalformedRequest {
        what,
        content_type: endpoint.content_type.to_owned(),
        body,
        names: None,
        status: None,
    };
    let long = "x".repeat(70_000);
    let mut spoiled = vec![
        MalformedRequest {
            content_type: "text/plain".to_owned(),
            status: (!form).then_some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ..plain("a wrong content type", good.into())
        },
        MalformedRequest {
            status: Some(StatusCode::PAYLOAD_TOO_LARGE),
            ..plain(
                "a body over the limit",
                format!("{}{}", good, " ".repeat(4 * BODY_LIMIT)).into(),
            )
        },
    ];
    if matches!(endpoint.caller, Caller::Anybody | Caller::Client) {
        spoiled.push(MalformedRequest {
            status: Some(StatusCode::PAYLOAD_TOO_LARGE),
            ..plain(
                "a body longer than anybody may send",
                format!("{}{}", good, " ".repeat(SMALL_LIMIT)).into(),
            )
        });
    }
    if form {
        let many: String = (0..65).map(|number| format!("f{number}=&")).collect();
        spoiled.push(plain("too many parameters", format!("{many}{good}").into()));
        spoiled.extend([
            MalformedRequest {
                names: Some(endpoint.field),
                ..plain(
                    "a duplicate parameter",
                    format!("{good}&{}=again", endpoint.field).into(),
                )
            },
            plain("bad UTF-8", format!("{good}&{}=%ff%fe", "extra").into()),
        ]);
    } else {
        spoiled.extend([
            plain("malformed JSON", good[..good.len() - 1].into()),
            plain("no JSON at all", b"hello".into()),
            plain("an array", format!("[{good}]").into()),
            MalformedRequest {
                names: Some("surprise"),
                ..plain(
                    "an unknown field",
                    good.replacen('{', r#"{"surprise":1,"#, 1).into(),
                )
            },
            MalformedRequest {
                names: Some(endpoint.field),
                ..plain(
                    "a duplicate field",
                    good.replacen('{', &format!(r#"{{"{}":"again","#, endpoint.field), 1)
                        .into(),
                )
            },
            MalformedRequest {
                names: Some(endpoint.field),
                ..plain(
                    "a field of another type",
                    with_number(good, endpoint.field).into(),
                )
            },
            plain("bad UTF-8", bad_utf8(good)),
        ]);
        if !endpoint.path.starts_with("/authenticate") {
            spoiled.push(MalformedRequest {
                names: Some(endpoint.field),
                ..plain("an over-long value", good.replacen("mallory", &long, 1).into())
            });
        }
    }
    spoiled
}

/// The value of `field` replaced by a number.
fn with_number(good: &str, field: &str) -> String {
    let mut value: Value = serde_json::from_str(good).unwrap();
    value[field] = 7.into();
    value.to_string()
}

fn bad_utf8(good: &str) -> Vec<u8> {
    let at = good.find("mallory").unwrap();
    let mut bytes = good.as_bytes().to_vec();
    bytes[at] = 0xff;
    bytes
}
