//! Tests of TLS on the public port. The certificate beside this file is for tests only, and names only localhost.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::client_certificate::ClientCertificate;
use chassis::config::{LimitsConfig, ListenConfig, TlsConfig};
use chassis::health::Health;
use chassis::http::{PublicScheme, standard_layers};
use chassis::server::Server;
use chassis::shutdown::Shutdown;
use http::HeaderMap;

// SB-38, SB-17
#[tokio::test]
async fn the_public_port_is_encrypted_and_says_so() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let listen = ListenConfig {
        tls: Some(TlsConfig {
            certificate: files.join("cert.pem"),
            key: files.join("key.pem"),
            client_certificates: false,
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

/// The `Client-Cert` of a request, as the handler sees it.
async fn seen(headers: HeaderMap) -> String {
    let certificate = ClientCertificate::of(&headers);
    certificate.map_or_else(|| "none".to_owned(), |it| it.der().len().to_string())
}

// RFC 8705 §2, RFC 9440; SB-51
#[tokio::test]
async fn a_certificate_comes_from_the_handshake_and_never_from_a_header_of_a_client() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/certificates");
    let listen = ListenConfig {
        tls: Some(TlsConfig {
            certificate: files.join("cert.pem"),
            key: files.join("key.pem"),
            client_certificates: true,
        }),
        ..ListenConfig::loopback()
    };
    let limits = LimitsConfig::default();
    let server = Server::bind(&listen, &limits).await.unwrap();
    let address = server.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let app = standard_layers(Router::new().route("/", get(seen)), &limits, PublicScheme::Http);
    let stop = shutdown.clone();
    let serving = async move { server.run(app, Health::new(), Duration::ZERO, &stop).await };
    let asking = async {
        let authority = std::fs::read(files.join("cert.pem")).unwrap();
        for (name, expected) in [
            (None, "none"),
            (Some("self-signed"), "der"),
            (Some("robot"), "der"),
        ] {
            let mut client = reqwest::Client::builder()
                .tls_certs_only([reqwest::Certificate::from_pem(&authority).unwrap()]);
            if let Some(name) = name {
                let mut pem = std::fs::read(certificates.join(format!("{name}.pem"))).unwrap();
                pem.extend(std::fs::read(certificates.join(format!("{name}-key.pem"))).unwrap());
                client = client.identity(reqwest::Identity::from_pem(&pem).unwrap());
            }
            let request = client.build().unwrap().get(format!("https://{address}/"));
            let answer = request.header("client-cert", ":AAAA:").send().await.unwrap();
            let seen = answer.text().await.unwrap();
            assert_eq!(seen == "none", expected == "none", "{name:?}: {seen}");
            assert_ne!(seen, "3", "what the client wrote");
        }
        shutdown.begin();
    };
    tokio::join!(serving, asking);
}
