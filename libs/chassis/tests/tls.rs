//! Tests of TLS on the public port. The certificate beside this file is for tests only, and names only localhost.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::config::{LimitsConfig, ListenConfig, TlsConfig};
use chassis::health::Health;
use chassis::http::{PublicScheme, standard_layers};
use chassis::server::Server;
use chassis::shutdown::Shutdown;

// SB-38, SB-17
#[tokio::test]
async fn the_public_port_is_encrypted_and_says_so() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let listen = ListenConfig {
        tls: Some(TlsConfig {
            certificate: files.join("cert.pem"),
            key: files.join("key.pem"),
        }),
        ..ListenConfig::loopback()
    };
    let limits = LimitsConfig::default();
    let server = Server::bind(&listen, &limits).await.unwrap();
    let address = server.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let app = standard_layers(
        Router::new().route("/", get(async || "hello")),
        &limits,
        PublicScheme::Http,
    );
    let stop = shutdown.clone();
    let serving = async move { server.run(app, Health::new(), Duration::ZERO, &stop).await };
    let asking = async {
        let certificate = std::fs::read(files.join("cert.pem")).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&certificate).unwrap()])
            .build()
            .unwrap();
        let answer = client.get(format!("https://{address}/")).send().await.unwrap();
        assert_eq!(answer.version(), http::Version::HTTP_2);
        assert!(answer.headers().contains_key("strict-transport-security"));
        assert_eq!(answer.text().await.unwrap(), "hello");
        assert!(
            reqwest::get(format!("http://{address}/")).await.is_err(),
            "nothing in clear"
        );
        drop(client);
        shutdown.begin();
    };
    tokio::join!(serving, asking);
}
