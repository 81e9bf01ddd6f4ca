//! Tests of malformed input at every endpoint: the response is a 4xx problem that names the field; nothing is stored.

mod cases;

use http::{Method, StatusCode, header};
use serde_json::Value;
use testkit::Stack;

use cases::{Caller, Endpoint, MalformedRequest, Service, endpoints, malformed_requests};

async fn send(
    stack: &Stack,
    tokens: &Tokens,
    endpoint: &Endpoint,
    spoiled: &MalformedRequest,
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
        Caller::AuthenticationService => request.bearer_auth(&tokens.auth),
        Caller::UserService => request.bearer_auth(&tokens.users),
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
    auth: String,
    users: String,
    ann: String,
}

/// Checks the format of an error body, which depends on the endpoint: OAuth, SCIM, pages or problem details.
fn check_error_format(endpoint: &Endpoint, content_type: &str, body: &str) -> Result<(), String> {
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
        "/register" | "/login" | "/setup" | "/register/wait" | "/logout" => {
            expect(content_type.starts_with("text/html"))
        }
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
    let auth_secret = std::fs::read_to_string(stack.folder().join("secrets/vestibule-auth")).unwrap();
    let users_secret = std::fs::read_to_string(stack.folder().join("secrets/vestibule-users")).unwrap();
    let tokens = Tokens {
        operator: stack.operator_token().await,
        auth: stack
            .client_token("vestibule-auth", &auth_secret, "users:write")
            .await,
        users: stack
            .client_token("vestibule-users", &users_secret, "events:read")
            .await,
        ann: stack.authenticate(&ann).await.access,
    };
    let mut wrong = Vec::new();
    for endpoint in endpoints() {
        for spoiled in malformed_requests(&endpoint) {
            let place = format!("{} {} with {}", endpoint.method, endpoint.path, spoiled.what);
            let (status, content_type, body) = send(&stack, &tokens, &endpoint, &spoiled).await;
            if !status.is_client_error() || spoiled.status.is_some_and(|expected| expected != status) {
                wrong.push(format!(
                    "{place}: {status}, expected {:?}: {}",
                    spoiled.status,
                    start(&body)
                ));
            }
            if let Err(what) = check_error_format(&endpoint, &content_type, &body) {
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
    assert_nothing_stored(&stack, &tokens).await;
}

fn start(text: &str) -> String {
    text.chars().take(300).collect()
}

async fn assert_nothing_stored(stack: &Stack, tokens: &Tokens) {
    // Had anything begun a registration, its command would reach the user service before the next one does.
    stack.register("bob").await;
    stack.quiescent().await;
    let list = stack
        .http()
        .get(stack.users_url("/scim/v2/Users?count=100"))
        .bearer_auth(&tokens.operator);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    let people = list["Resources"].as_array().unwrap();
    let mut names: Vec<_> = people
        .iter()
        .map(|person| person["userName"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["ann", "bob"], "nobody else is there");
    for person in people {
        assert_eq!(person["name"].get("givenName"), None, "{list}");
    }
    let clients = stack
        .http()
        .get(stack.auth_url("/admin/v1/clients"))
        .bearer_auth(&tokens.operator);
    let clients = clients.send().await.unwrap().text().await.unwrap();
    assert!(!clients.contains("mallory"), "{clients}");
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

#[tokio::test]
async fn bad_queries_are_refused_and_name_the_parameter() {
    let stack = Stack::start().await;
    let token = stack.operator_token().await;
    let authorize = "/oauth2/authorize?response_type=code&client_id=nobody";
    let mut wrong = Vec::new();
    for (url, names) in [
        (stack.auth_url("/events?after=1&after=2"), "after"),
        (stack.auth_url("/events?after=soon"), "after"),
        (stack.auth_url("/events?surprise=1"), "surprise"),
        (stack.users_url("/events?limit=-1"), "limit"),
        (stack.users_url("/events/snapshot?surprise=1"), "surprise"),
        (stack.users_url("/events/snapshot?after=x"), "after"),
        (stack.auth_url("/events/snapshot?after=x"), "after"),
        (stack.users_url("/scim/v2/Users?count=1&count=2"), "count"),
        (stack.users_url("/scim/v2/Users?filter=userName%20eq"), ""),
        (stack.users_url("/scim/v2/Users?filter=%ff"), ""),
        (stack.auth_url("/admin/v1/clients?limit=100000"), "limit"),
        (stack.auth_url("/admin/v1/clients?limit=1&limit=2"), "limit"),
        (
            stack.auth_url(&format!("{authorize}&client_id=again")),
            "client_id",
        ),
        (stack.auth_url("/oauth2/authorize?scope=%ff%fe"), ""),
    ] {
        let answer = stack.http().get(&url).bearer_auth(&token).send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        if !status.is_client_error() || !body.contains(names) {
            wrong.push(format!(
                "{url}: {status}, expected a 4xx that names {names:?}: {}",
                start(&body)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
