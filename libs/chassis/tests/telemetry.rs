//! Test of the telemetry of a whole process. It can be set up once per process, so this is one test.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use chassis::config::{LimitsConfig, LogConfig, TracesConfig};
use chassis::http::{PublicScheme, standard_layers};
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::telemetry::{self, CallerFields, Vocabulary};
use tower::ServiceExt;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: [u8; 16] = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();

const VOCABULARY: Vocabulary = Vocabulary {
    declarations: &[],
    caller: CallerFields {
        subject: "user.id",
        client: "actor.client.id",
    },
};

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_onward_and_to_the_collector_and_measured_by_route() {
    let (exported, mut exports) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let (called, mut calls) = tokio::sync::mpsc::unbounded_channel::<String>();
    let collector = Router::new()
        .route(
            "/v1/traces",
            post(async move |body: Bytes| {
                exported.send(body).unwrap();
            }),
        )
        .route(
            "/next",
            get(async move |headers: http::HeaderMap| {
                called
                    .send(headers["traceparent"].to_str().unwrap().to_owned())
                    .unwrap();
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: url::Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, collector).await });

    let traces = TracesConfig {
        otlp_endpoint: Some(url.clone()),
        ..TracesConfig::default()
    };
    let guard = telemetry::init("auth", &LogConfig::default(), &traces, VOCABULARY).unwrap();
    let again = telemetry::init(
        "auth",
        &LogConfig::default(),
        &TracesConfig::default(),
        VOCABULARY,
    );
    assert!(again.is_err(), "telemetry is set up once");

    let client = HttpClient::new(ClientOptions::default()).unwrap();
    let next = url.join("/next").unwrap();
    let onward = get(async move || client.get(next).send().await.unwrap().status());
    let app = standard_layers(
        Router::new().route("/people/{id}", onward),
        &LimitsConfig::default(),
        PublicScheme::Http,
    );
    let request = http::Request::get("/people/swordfish").header("traceparent", CALLER);
    let answer = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["x-request-id"],
        "0af7651916cd43dd8448eb211c80319c"
    );

    let onward = calls.recv().await.unwrap();
    assert!(
        onward.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{onward}"
    );
    let span = u64::from_str_radix(onward.get(36..52).unwrap(), 16).unwrap();

    tokio::task::spawn_blocking(move || drop(guard)).await.unwrap();
    let export = exports.recv().await.unwrap();
    assert!(contains(&export, &TRACE), "the caller's trace goes on");
    assert!(
        contains(&export, &span.to_be_bytes()),
        "the next service hangs below the recorded span"
    );
    assert!(contains(&export, b"GET /people/{id}"));
    assert!(contains(&export, b"vestibule-auth"));
    assert!(!contains(&export, b"swordfish"), "the route, never the path");

    let metrics = telemetry::metrics_text();
    let count =
        r#"vestibule_http_request_duration_seconds_count{method="GET",route="/people/{id}",status="200"} 1"#;
    assert!(metrics.contains(count), "{metrics}");
    assert!(
        metrics.contains(r#"vestibule_build_info{service="auth""#),
        "{metrics}"
    );
    assert!(!metrics.contains("swordfish"));
    tasks.shutdown().await;
}
