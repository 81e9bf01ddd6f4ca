//! Tests of the API client: error texts, exit codes and escaping.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn refused(status: u16, body: &Value) -> CommandError {
    ApiError::Refused {
        service: "users",
        status: reqwest::StatusCode::from_u16(status).expect("a status"),
        problem: serde_json::from_value(body.clone()).expect("a problem"),
        retry_after: None,
    }
    .into()
}

#[test]
fn a_refusal_has_the_exit_code_of_its_kind() {
    for (status, code) in [
        (401, ErrorCode::Denied),
        (403, ErrorCode::Denied),
        (404, ErrorCode::NotFound),
        (409, ErrorCode::Conflict),
        (422, ErrorCode::Usage),
        (500, ErrorCode::Failed),
        (503, ErrorCode::Unreachable),
    ] {
        assert_eq!(refused(status, &json!({})).code(), code, "{status}");
    }
}

#[test]
fn a_refusal_says_what_the_service_said_field_by_field() {
    let problem = json!({"title": "Bad input", "detail": "Two fields are wrong.",
        "errors": [{"field": "email", "detail": "expected an address"}]});
    assert_eq!(
        refused(422, &problem).to_string(),
        "users: Two fields are wrong\n  email: expected an address"
    );
    let oauth = json!({"error": "invalid_client", "error_description": "unknown client"});
    assert_eq!(refused(401, &oauth).to_string(), "users: unknown client");
    assert_eq!(
        refused(500, &json!({})).to_string(),
        "users: 500 Internal Server Error"
    );
}

// SB-34
#[test]
fn what_a_service_says_cannot_steer_the_terminal() {
    let problem = json!({"detail": "\u{1b}[2J", "errors": [{"field": "a\u{7}", "detail": "b\n\u{1b}c"}]});
    let shown = refused(400, &problem).to_string().replace("\n  ", "");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

#[test]
fn a_user_name_stays_one_segment_of_a_path() {
    assert_eq!(percent_encode("a/b?c d&e+f%"), "a%2Fb%3Fc%20d%26e%2Bf%25");
}

#[test]
fn members_become_text() {
    let value = json!({"a": {"b": ["x", "y"]}, "n": 3, "t": true, "z": null});
    assert_eq!(text_at(&value, "/a/b"), "x y");
    assert_eq!(text_at(&value, "/n"), "3");
    assert_eq!(text_at(&value, "/t"), "true");
    assert_eq!(text_at(&value, "/z"), "");
    assert_eq!(text_at(&value, "/missing"), "");
}

#[tokio::test]
async fn a_wait_that_passes_the_deadline_is_not_begun() {
    let refused = || ApiError::Refused {
        service: "auth",
        status: reqwest::StatusCode::SERVICE_UNAVAILABLE,
        problem: Box::default(),
        retry_after: Some(Duration::from_secs(u64::MAX)),
    };
    let started = Instant::now();
    for patience in [Duration::ZERO, Duration::from_secs(60)] {
        let outcome: Result<(), _> = retry(patience, || std::future::ready(Err(refused()))).await;
        assert!(outcome.is_err());
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    let outcome: Result<(), _> =
        retry_if(Duration::MAX, |_| false, || std::future::ready(Err(refused()))).await;
    assert!(outcome.is_err(), "an error that stays is returned");
}

/// Listens on a free port, never answers the first request, and all others.
async fn slow_at_first(listener: TcpListener) {
    let (_silent, _) = listener.accept().await.expect("a connection");
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 1024];
        if stream.read(&mut request).await.is_ok_and(|length| length > 0) {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            // The client may have gone.
            let _ = stream.write_all(answer).await;
        }
    }
}

#[tokio::test]
async fn a_request_without_an_answer_is_given_up_and_repeated() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let client = testing::client_with_timeout(&url, Duration::from_millis(300));
    let (started, errors) = (Instant::now(), std::sync::Mutex::new(Vec::new()));
    let request = || async {
        let answer = client.call(RemoteService::Users, Method::GET, "/x").await;
        if let Err(error) = &answer {
            errors.lock().expect("unpoisoned").push(error.to_string());
        }
        answer
    };
    let answer = tokio::select! {
        answer = retry(Duration::from_secs(60), request) => answer,
        () = slow_at_first(listener) => unreachable!("it listens for ever"),
    };
    assert_eq!(answer.expect("an answer"), json!({}));
    let errors = errors.into_inner().expect("unpoisoned");
    assert!(
        errors.iter().all(|error| error.ends_with("no answer in time")) && !errors.is_empty(),
        "{errors:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "each waited for its own time alone"
    );
}
