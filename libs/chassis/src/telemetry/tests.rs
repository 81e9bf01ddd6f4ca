//! Tests of log lines, trace context and route metrics.

use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};

use super::layer::{LineFormat, LogLayer};
use super::vocabulary::Dictionary;
use super::{Action, CallerFields, Declarations, LogField, RouteMetrics, TraceContext, Vocabulary};
use crate::config::LogConfig;
use crate::secret::{SecretString, Token};

/// The vocabulary of a service with two actions.
const VOCABULARY: Vocabulary = Vocabulary {
    declarations: &[Declarations {
        metrics: &[],
        actions: &[
            Action::audit("sign-in", "authentication", &["start"], "Somebody signed in."),
            Action::operation("message-published", &["info"], "A message was published."),
        ],
        fields: &[
            LogField::keyword("user.id", "Who acts."),
            LogField::keyword("vestibule.actor.client.id", "The application."),
            LogField::long("vestibule.count", "How many."),
        ],
    }],
    caller: CallerFields {
        subject: "user.id",
        client: "actor.client.id",
    },
};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn layer(format: LineFormat, levels: &Targets, paper: &Paper) -> LogLayer<impl Fn() -> Paper + use<>> {
    let writer = paper.clone();
    LogLayer::new(format, levels, Dictionary::new(VOCABULARY), move || {
        writer.clone()
    })
}

fn logged(format: LineFormat, act: impl FnOnce()) -> String {
    logged_at("trace", format, act)
}

fn logged_at(levels: &str, format: LineFormat, act: impl FnOnce()) -> String {
    let levels: Targets = levels.parse().unwrap();
    let paper = Paper::default();
    let lines = layer(format, &levels, &paper);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), act);
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_the_client_of_the_broker_says_is_never_logged() {
    let text = logged_at("trace,lapin=trace,lapin::channels=trace", TEXT, || {
        tracing::error!(target: "lapin::returned_messages", "a person's data");
        tracing::trace!(target: "lapin::channels", "a password");
        tracing::trace!(target: "events::transport", "ours");
    });
    assert!(text.contains("ours"), "{text}");
    assert!(!text.contains("data") && !text.contains("password"), "{text}");
}

const ECS: LineFormat = LineFormat::Ecs { service: "auth" };
const TEXT: LineFormat = LineFormat::Text { colour: false };

#[test]
fn a_line_is_one_ecs_object_with_dotted_names() {
    let text = logged(ECS, || {
        let span = tracing::info_span!("outer", user.id = "u1", event.action = "outer");
        let _in = span.enter();
        tracing::warn!(event.action = "sign-in", client.ip = %"192.0.2.1", count = 3, tries = 4, "wrong password");
    });
    assert_eq!(text.matches('\n').count(), 1);
    let line: Value = serde_json::from_str(&text).unwrap();
    assert!(text.starts_with(r#"{"@timestamp":"2"#), "{text}");
    assert_eq!(line["log.level"], "warn");
    assert_eq!(line["message"], "wrong password");
    assert_eq!(line["ecs.version"], "8.11.0");
    assert_eq!(line["service.name"], "vestibule-auth");
    assert_eq!(line["event.action"], "sign-in", "the event's own field wins");
    assert_eq!(line["user.id"], "u1", "the span's field is there too");
    assert_eq!(line["client.ip"], "192.0.2.1");
    assert_eq!(line["vestibule.count"], 3, "ours");
    assert_eq!(line["labels"]["tries"], "4", "not in the list of fields");
    assert_eq!(line["event.kind"], "event");
    assert_eq!(line["event.category"], serde_json::json!(["authentication"]));
}

#[test]
fn an_operation_of_the_program_names_no_category() {
    let text = logged(ECS, || {
        tracing::info!(event.action = "message-published", "published")
    });
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["event.type"], serde_json::json!(["info"]));
    assert_eq!(line["event.category"], Value::Null);
}

#[test]
fn no_name_comes_twice() {
    let text = logged(ECS, || tracing::info!(log.level = "forged", message = "hello"));
    assert_eq!(text.matches("log.level").count(), 1);
    assert!(text.contains("hello") && !text.contains("forged"));
}

#[tokio::test]
async fn a_line_carries_the_trace_it_belongs_to() {
    let trace = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let text = trace
        .scope(async { logged(ECS, || tracing::info!("hello")) })
        .await;
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["trace.id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(line["span.id"], "b7ad6b7169203331");
}

#[test]
fn what_a_client_sends_starts_no_line_of_its_own() {
    // SB-34
    let evil = "ann\n12:00:00 INFO all is well \x1b[2J\r";
    for format in [ECS, TEXT] {
        let text = logged(format, || tracing::info!(user.name = evil, "sign-in of {evil}"));
        let message_lines = text.lines().filter(|line| line.starts_with("12:00:00")).count();
        assert_eq!(message_lines, 0, "{text:?}");
        assert!(!text.contains('\x1b') && !text.contains('\r'), "{text:?}");
    }
}

#[test]
fn secrets_print_nothing() {
    let (secret, token) = (SecretString::from("swordfish"), Token::new("swordfish"));
    for format in [ECS, TEXT] {
        let text = logged(format, || {
            tracing::info!(?secret, ?token, "{secret:?} {token:?} {:?}", token.hash())
        });
        assert!(!text.contains("swordfish"), "{text}");
    }
}

#[test]
fn causes_are_shown_below_the_line() {
    let text = logged(TEXT, || {
        tracing::error!(error.stack_trace = "first\ncaused by: second", "it failed");
    });
    assert!(
        text.contains("ERROR it failed\n    error.stack_trace:\n      first\n      caused by: second\n"),
        "{text}"
    );
}

#[test]
fn methods_cannot_fill_the_memory() {
    let metrics = RouteMetrics::default();
    for number in 0..500 {
        let method = http::Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
        metrics.record(
            &method,
            "/",
            http::StatusCode::OK,
            std::time::Duration::from_millis(1),
        );
    }
    assert!(metrics.len() <= 64);
}

#[test]
fn a_traceparent_of_a_later_version_is_read_and_a_broken_one_is_not() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(TraceContext::parse(good).unwrap().to_string(), good);
    assert!(TraceContext::parse(&good.replace("00-0", "cc-0")).is_some());
    assert!(TraceContext::parse(&format!("{}-more", good.replace("00-0", "cc-0"))).is_some());
    for bad in [
        "",
        "00",
        &format!("{good}-more"),
        &good.replace("00-0", "ff-0"),
        &good.to_uppercase(),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert_eq!(TraceContext::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_child_stays_in_the_trace_and_new_ids_differ() {
    let root = TraceContext::root();
    let child = root.child();
    assert_eq!(root.trace_id(), child.trace_id());
    assert_ne!(root.span_id(), child.span_id());
    assert_ne!(root.trace_id(), TraceContext::root().trace_id());
}

proptest! {
    // SB-42
    #[test]
    fn any_header_is_read_or_refused(header in ".{0,80}") {
        let _ = TraceContext::parse(&header);
    }

    #[test]
    fn a_traceparent_reads_back(trace in 1u128.., span in 1u64.., sampled: bool) {
        let context = TraceContext::from_ids(trace, span, sampled).unwrap();
        prop_assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
    }
}

#[tokio::test]
async fn nothing_that_a_client_sends_is_logged() {
    use axum::body::Body;
    use axum::routing::{get, post};
    use http::Request;
    use tower::ServiceExt;

    use crate::http::{Json, PublicScheme, Query, standard_layers};

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read out of requests")]
    struct Form {
        password: u8,
    }

    let paper = Paper::default();
    let lines = layer(ECS, &Targets::new().with_default(LevelFilter::TRACE), &paper);
    let _logging = testkit::capture_log(tracing_subscriber::registry().with(lines));
    let routes = axum::Router::new()
        .route("/{id}", get(async |_: Query<Form>| "read"))
        .route("/", post(async |_: Json<Form>| "read"));
    let app = standard_layers(
        routes,
        &crate::config::LimitsConfig::default(),
        PublicScheme::Http,
    );
    for request in [
        Request::get("/swordfish?password=swordfish").body(Body::empty()),
        Request::get("/x?swordfish=1")
            .header("authorization", "Bearer swordfish")
            .header("user-agent", "swordfish")
            .body(Body::empty()),
        Request::post("/")
            .header("content-type", "application/json")
            .body(Body::from(r#"{"password":"swordfish","password":"swordfish"#)),
        Request::post("/")
            .header("content-type", "application/json")
            .header("cookie", "session=swordfish")
            .body(Body::from(r#"{"password":"swordfish"}"#)),
    ] {
        let answer = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert!(answer.status().is_client_error());
    }
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert_eq!(
        text.lines().count(),
        4,
        "each request is told at the level debug: {text}"
    );
    assert!(
        text.contains(r#""vestibule.http.route":"/{id}""#) && !text.contains("swordfish"),
        "{text}"
    );
}

#[test]
fn a_library_that_asks_for_details_takes_no_line_with_it() {
    let text = logged_at("info,sqlx=warn,http=debug", TEXT, || {
        // Each is heard differently: beyond the level of its module, beyond every level, by a library that says nothing.
        assert!(!tracing::enabled!(target: "sqlx::query", tracing::Level::INFO));
        tracing::info!("first");
        assert!(!tracing::enabled!(target: "users", tracing::Level::TRACE));
        tracing::info!("second");
        assert!(!tracing::enabled!(target: "lapin", tracing::Level::ERROR));
        tracing::info!("third");
        assert!(tracing::enabled!(target: "http", tracing::Level::DEBUG));
        tracing::debug!(target: "http", "fourth");
        tracing::info!(target: "sqlx::query", "never");
        tracing::debug!("never");
    });
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert_eq!(told, ["first", "second", "third", "fourth"], "{text}");
}

#[test]
fn what_is_beyond_every_level_is_not_asked_for() {
    let lines = LogLayer::new(
        TEXT,
        &LogConfig::default().level,
        Dictionary::new(VOCABULARY),
        io::sink,
    );
    let hint = Layer::<Registry>::max_level_hint(&lines);
    assert_eq!(hint, Some(LevelFilter::INFO));
}

/// The line that a handler logs of an administrative act, with the layer around every route and the
/// extractors.
async fn logged_by_a_request(token: Option<&str>, message: &'static str) -> Value {
    use axum::body::Body;
    use axum::routing::post;
    use tower::ServiceExt;

    let paper = Paper::default();
    let levels: Targets = "info".parse().unwrap();
    let lines = layer(ECS, &levels, &paper);
    let handler = move || async move {
        match message {
            "acts" => tracing::info!(event.action = "sign-in", event.outcome = "success", "acts"),
            _ => tracing::info!("says"),
        }
    };
    let holder = token.map(str::to_owned);
    let noted = axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            if let Some(subject) = &holder {
                super::set_token_holder(subject, "a-tool");
            }
            next.run(request)
        },
    );
    let router: axum::Router = axum::Router::new().route("/", post(handler)).layer(noted);
    let router = crate::http::standard_layers(
        router,
        &crate::config::LimitsConfig::default(),
        crate::http::PublicScheme::Http,
    );
    let mut request = ::http::Request::post("/")
        .header("host", "id.example")
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(crate::http::Peer {
        address: "192.0.2.7:1".parse().unwrap(),
        tls: false,
        trusted: Arc::new([]),
    });
    let guard = testkit::capture_log(tracing_subscriber::registry().with(lines));
    router.oneshot(request).await.unwrap();
    drop(guard);
    let bytes = paper.0.lock().unwrap().clone();
    serde_json::from_slice(&bytes).unwrap()
}

// SB-52
#[tokio::test]
async fn a_line_about_an_act_says_who_did_it_and_from_where() {
    let line = logged_by_a_request(Some("ann"), "acts").await;
    assert_eq!(
        (
            &line["user.id"],
            &line["vestibule.actor.client.id"],
            &line["client.ip"]
        ),
        (&"ann".into(), &"a-tool".into(), &"192.0.2.7".into()),
        "{line}"
    );
    let line = logged_by_a_request(None, "acts").await;
    assert_eq!(
        (&line["user.id"], &line["client.ip"]),
        (&Value::Null, &"192.0.2.7".into()),
        "{line}"
    );
    // Other lines hold no personal data that they do not need.
    let line = logged_by_a_request(Some("ann"), "says").await;
    assert_eq!(
        (&line["user.id"], &line["client.ip"]),
        (&Value::Null, &Value::Null),
        "{line}"
    );
}
