//! Tests of the ports: management routes are not public, pages have security headers, traces go on, SIGTERM ends cleanly.

use http::StatusCode;
use serde_json::json;
use testkit::{Stack, Visitor, eventually};

// SB-39: metrics and management on their own port; no version to clients.
#[tokio::test]
async fn health_and_metrics_are_on_the_management_port_alone() {
    let stack = Stack::start().await;
    for path in ["/health/live", "/health/ready", "/health/started", "/metrics"] {
        for (management, public) in [
            (stack.auth_management_url(path), stack.auth_url(path)),
            (stack.users_management_url(path), stack.users_url(path)),
        ] {
            assert_eq!(
                stack.http().get(&management).send().await.unwrap().status(),
                StatusCode::OK,
                "{management}"
            );
            let answer = stack.http().get(&public).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{public}");
            assert!(answer.headers().get("server").is_none(), "{public}");
            assert!(answer.headers().get("x-powered-by").is_none(), "{public}");
        }
    }
    let metrics = stack
        .http()
        .get(stack.auth_management_url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        metrics.lines().any(|line| line.starts_with("vestibule_")),
        "{metrics}"
    );
}

// SB-17, SB-18: the headers of the pages.
#[tokio::test]
async fn pages_carry_the_headers_that_protect_them() {
    let stack = Stack::start().await;
    let page = Visitor::at(&stack.auth_url("")).open("/login").await;
    let policy = page.header("content-security-policy");
    for directive in [
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "'nonce-",
    ] {
        // `default-src 'none'` is stricter than naming the object sources.
        let implied = directive == "object-src 'none'" && policy.contains("default-src 'none'");
        assert!(implied || policy.contains(directive), "{directive} in {policy}");
    }
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(page.header("cache-control").contains("no-store"));
    assert!(!page.header("referrer-policy").is_empty());
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
}

#[tokio::test]
async fn a_trace_begun_by_the_caller_goes_on_in_the_logs_of_both_services() {
    let stack = Stack::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    // `auth` is asked, and asks `users` in its turn.
    let answer = stack
        .http()
        .post(stack.auth_url("/admin/v1/users"))
        .bearer_auth(stack.operator_token().await)
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .json(&json!({ "user_name": "ann", "password": "plum-tractor-violin-42" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    eventually("both logs name the trace", async || {
        (stack.auth.log().contains(trace) && stack.users.log().contains(trace)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn sigterm_ends_both_services_cleanly() {
    let mut stack = Stack::start().await;
    assert!(stack.auth.terminate().await.success());
    assert!(stack.users.terminate().await.success());
}
