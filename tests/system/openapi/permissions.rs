//! Every operation asks for the permission that its description says, and for no other.

use http::StatusCode;
use testkit::{Stack, StackOptions};

use super::{Described, Operation, operations};

/// The scopes that the operator's client may have.
const SCOPES: [&str; 6] = [
    "admin",
    "users:read",
    "users:write",
    "groups:read",
    "groups:write",
    "events:read",
];

/// The status of an operation with this token. Parameters of the path are an id that nobody has.
async fn status(
    stack: &Stack,
    service: Described,
    operation: &Operation<'_>,
    token: Option<&str>,
) -> StatusCode {
    let path: String = operation
        .path
        .split('/')
        .map(|part| {
            if part.starts_with('{') {
                "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d2"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/");
    let method = operation.method.parse().unwrap();
    let mut request = stack.http().request(method, service.url(stack, &path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    // An endpoint for clients looks at its form first.
    if operation.described["security"][0]["client"].is_array() {
        request = request.form(&[("grant_type", "client_credentials"), ("token", "none")]);
    }
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn every_operation_refuses_those_who_lack_the_permission_that_it_names() {
    let stack = Stack::start().await;
    for service in Described::ALL {
        let document = service.document(&stack).await;
        for operation in operations(&document) {
            let at = format!("{} {} {}", service.name(), operation.method, operation.path);
            let scope = operation.described["security"][0]["oauth2"][0].as_str();
            let stranger = status(&stack, service, &operation, None).await;
            let Some(scope) = scope else {
                let client = operation.described["security"][0]["client"].is_array();
                assert_eq!(stranger == StatusCode::UNAUTHORIZED, client, "{at}: {stranger}");
                continue;
            };
            assert_eq!(stranger, StatusCode::UNAUTHORIZED, "{at} without a token");
            // An operation that needs one of several scopes lists each.
            let alternatives = operation.described["security"].as_array().unwrap();
            let asked = |other: &str| alternatives.iter().any(|it| it["oauth2"][0] == *other);
            let others: Vec<&str> = SCOPES.into_iter().filter(|other| !asked(other)).collect();
            let token = stack
                .client_token("vestibule-cli", stack.operator_secret(), &others.join(" "))
                .await;
            let lacking = status(&stack, service, &operation, Some(&token)).await;
            assert_eq!(lacking, StatusCode::FORBIDDEN, "{at} without {scope}");
        }
    }
}

#[tokio::test]
async fn every_operation_lets_those_through_who_have_the_scope_that_it_names() {
    // What the configuration forbids is refused whatever the scope.
    let options = StackOptions::default().with(
        "VESTIBULE_AUTH__PASSWORDS__EXPORT_RECIPIENTS",
        "age1j6w7s3mmqp0zw34wl96kh4paw6ezqw290wgey3yradffms8lpvhsuhd0s3",
    );
    let stack = Stack::with(options).await;
    let ann = stack.register("ann").await;
    for service in Described::ALL {
        let document = service.document(&stack).await;
        for operation in operations(&document) {
            let at = format!("{} {} {}", service.name(), operation.method, operation.path);
            let Some(scope) = operation.described["security"][0]["oauth2"][0].as_str() else {
                continue;
            };
            let token = if SCOPES.contains(&scope) {
                stack
                    .client_token("vestibule-cli", stack.operator_secret(), scope)
                    .await
            } else {
                // Clients have these scopes through a person only.
                let (status, answer) = stack.try_authenticate(&ann, Some(scope)).await;
                assert!(status.is_success(), "{at}: {answer}");
                answer["access_token"].as_str().unwrap().to_owned()
            };
            let status = status(&stack, service, &operation, Some(&token)).await;
            let permission = operation.described["x-permission"].as_str().unwrap();
            // The permission of the services' own operations asks for more than a scope.
            if permission.contains("a token of the authentication service")
                || permission.contains("a token of the user service")
            {
                assert_eq!(status, StatusCode::FORBIDDEN, "{at} with nothing but {scope}");
            } else {
                assert!(
                    ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status),
                    "{at} with {scope}: {status}"
                );
            }
        }
    }
}
