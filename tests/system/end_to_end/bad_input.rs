//! What bad input gets, at every endpoint: a 4xx problem that names the field, and nothing stored.

use http::{Method, StatusCode, header};
use serde_json::Value;
use testkit::{Stack, eventually};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anybody,
    Operator,
    Ann,
    /// A client that authenticates with its secret.
    Client,
}

/// An endpoint that reads a body, with a body that it accepts apart from what a test spoils.
struct Endpoint {
    service: Service,
    method: Method,
    path: &'static str,
    caller: Caller,
    content_type: &'static str,
    /// Well-formed, with every required field.
    good: &'static str,
    /// A field of `good` and whether its length has a limit.
    field: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Auth,
    Users,
}

const JSON: &str = "application/json";
/// The default of `limits.body_bytes`.
const BODY_LIMIT: usize = 256 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
const SCIM: &str = "application/scim+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

fn endpoints() -> Vec<Endpoint> {
    use Caller::{Ann, Anybody, Client, Operator};
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
            "/admin/v1/clients",
            Operator,
            JSON,
            r#"{"client_name":"mallory","redirect_uris":["http://localhost/cb"]}"#,
            "client_name",
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
            Operator,
            JSON,
            r#"{"id":"01987c5e-1111-7000-8000-000000000000","user_name":"mallory","groups":[],"version":1,"requested_at":"2026-01-01T00:00:00Z"}"#,
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
    ]
}

/// A way to spoil a request.
struct Spoiled {
    what: &'static str,
    content_type: String,
    body: Vec<u8>,
    /// Whether the answer has to name the field.
    names: Option<&'static str>,
    /// The only status that will do, when there is one.
    status: Option<StatusCode>,
}

fn spoil(endpoint: &Endpoint) -> Vec<Spoiled> {
    let good = endpoint.good;
    let form = endpoint.content_type == FORM;
    let plain = |what, body: Vec<u8>| Spoiled {
        what,
        content_type: endpoint.content_type.to_owned(),
        body,
        names: None,
        status: None,
    };
    let long = "x".repeat(70_000);
    let mut spoiled = vec![
        Spoiled {
            content_type: "text/plain".to_owned(),
            status: (!form).then_some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ..plain("a wrong content type", good.into())
        },
        Spoiled {
            status: Some(StatusCode::PAYLOAD_TOO_LARGE),
            ..plain(
                "a body over the limit",
                format!("{}{}", good, " ".repeat(4 * BODY_LIMIT)).into(),
            )
        },
    ];
    if form {
        spoiled.extend([
            Spoiled {
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
            Spoiled {
                names: Some("surprise"),
                ..plain(
                    "an unknown field",
                    good.replacen('{', r#"{"surprise":1,"#, 1).into(),
                )
            },
            Spoiled {
                names: Some(endpoint.field),
                ..plain(
                    "a duplicate field",
                    good.replacen('{', &format!(r#"{{"{}":"again","#, endpoint.field), 1)
                        .into(),
                )
            },
            Spoiled {
                names: Some(endpoint.field),
                ..plain("a field of another type", retyped(good, endpoint.field).into())
            },
            plain("bad UTF-8", bad_utf8(good)),
        ]);
        if !endpoint.path.starts_with("/authenticate") {
            spoiled.push(Spoiled {
                names: Some(endpoint.field),
                ..plain("an over-long value", good.replacen("mallory", &long, 1).into())
            });
        }
    }
    spoiled
}

/// The value of `field` replaced by a number.
fn retyped(good: &str, field: &str) -> String {
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

async fn send(
    stack: &Stack,
    tokens: &Tokens,
    endpoint: &Endpoint,
    spoiled: &Spoiled,
) -> (StatusCode, String, String) {
    let url = match endpoint.service {
        Service::Auth => stack.auth_url(endpoint.path),
        Service::Users => stack.users_url(endpoint.path),
    };
    let request = stack
        .http()
        .request(endpoint.method.clone(), url)
        .header(header::CONTENT_TYPE, &spoiled.content_type)
        .body(spoiled.body.clone());
    let request = match endpoint.caller {
        Caller::Anybody => request,
        Caller::Operator => request.bearer_auth(&tokens.operator),
        Caller::Ann => request.bearer_auth(&tokens.ann),
        Caller::Client => request.basic_auth("vestibule-cli", Some(stack.operator_secret())),
    };
    let answer = request.send().await.unwrap();
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    (answer.status(), content_type, answer.text().await.unwrap())
}

struct Tokens {
    operator: String,
    ann: String,
}

/// What an error body is made of depends on whom the endpoint serves: OAuth, SCIM, people, or everybody else.
fn check_form(endpoint: &Endpoint, content_type: &str, body: &str) -> Result<(), String> {
    let json = || serde_json::from_str::<Value>(body).map_err(|error| format!("{error}: {body}"));
    let expect = |good: bool| {
        if good {
            Ok(())
        } else {
            Err(format!("{content_type}: {body}"))
        }
    };
    match endpoint.path {
        path if path.starts_with("/oauth2/") => expect(json()?["error"].is_string()),
        path if path.starts_with("/scim/") => {
            expect(json()?["schemas"][0] == "urn:ietf:params:scim:api:messages:2.0:Error")
        }
        "/register" | "/login" => expect(content_type.starts_with("text/html")),
        _ => {
            let problem = json()?;
            expect(
                content_type.starts_with("application/problem+json")
                    && problem["type"].is_string()
                    && problem["title"].is_string()
                    && problem["status"].is_number(),
            )
        }
    }
}

// SB-42: duplicate parameters refused; body limits everywhere.
#[tokio::test]
async fn bad_input_is_refused_names_the_field_and_stores_nothing() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let tokens = Tokens {
        operator: stack.operator_token().await,
        ann: stack.authenticate(&ann).await.access,
    };
    let mut wrong = Vec::new();
    for endpoint in endpoints() {
        for spoiled in spoil(&endpoint) {
            let place = format!("{} {} with {}", endpoint.method, endpoint.path, spoiled.what);
            let (status, content_type, body) = send(&stack, &tokens, &endpoint, &spoiled).await;
            if !status.is_client_error() || spoiled.status.is_some_and(|expected| expected != status) {
                wrong.push(format!(
                    "{place}: {status}, expected {:?}: {}",
                    spoiled.status,
                    start(&body)
                ));
            }
            // The limit on bodies is kept before the endpoint is asked how it likes its errors.
            if status != StatusCode::PAYLOAD_TOO_LARGE
                && let Err(what) = check_form(&endpoint, &content_type, &body)
            {
                wrong.push(format!(
                    "{place}: {status}, another form of error: {}",
                    start(&what)
                ));
            }
            if let Some(field) = spoiled.names
                && !body.contains(field)
            {
                wrong.push(format!("{place}: does not name {field}: {}", start(&body)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    nothing_stored(&stack, &tokens).await;
}

fn start(text: &str) -> String {
    text.chars().take(300).collect()
}

async fn nothing_stored(stack: &Stack, tokens: &Tokens) {
    let list = stack
        .http()
        .get(stack.users_url("/scim/v2/Users?count=100"))
        .bearer_auth(&tokens.operator);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["totalResults"], 1, "only ann is there: {list}");
    assert_eq!(list["Resources"][0]["userName"], "ann");
    assert_eq!(list["Resources"][0]["name"].get("givenName"), None, "{list}");
    let clients = stack
        .http()
        .get(stack.auth_url("/admin/v1/clients"))
        .bearer_auth(&tokens.operator);
    let clients = clients.send().await.unwrap().text().await.unwrap();
    assert!(!clients.contains("mallory"), "{clients}");
    // Had anything begun a registration, its command would reach the user service before the next one does.
    let bob = stack.register("bob").await;
    eventually("bob is known", async || {
        let (status, _) = stack.user(&stack.authenticate(&bob).await.access).await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_path_that_does_not_exist_and_a_wrong_method_are_problems_too() {
    let stack = Stack::start().await;
    for (url, method, expected) in [
        (
            stack.auth_url("/no/such/path"),
            Method::GET,
            StatusCode::NOT_FOUND,
        ),
        (
            stack.users_url("/no/such/path"),
            Method::GET,
            StatusCode::NOT_FOUND,
        ),
        (
            stack.auth_url("/authenticate"),
            Method::DELETE,
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            stack.users_url("/registrations"),
            Method::GET,
            StatusCode::METHOD_NOT_ALLOWED,
        ),
    ] {
        let answer = stack.http().request(method.clone(), &url).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{method} {url}");
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            "application/problem+json",
            "{method} {url}"
        );
    }
}
