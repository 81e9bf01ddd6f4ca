//! Services behind nginx, which ends TLS and says in `Client-Cert` (RFC 9440) which certificate it saw: `deploy/nginx/mutual-tls.conf`.

use serde_json::Value;
use testkit::{CertificateKey, Process, Program, Stack, StackOptions, TestAuthority, free_port, within};

use super::curl::curl;
use super::{
    CertificateClient, MutualTlsSite, assert_refused, issued_client, self_signed_client,
    self_signed_client_with, spoofed_headers, token_request, users_request,
};
use crate::source::{read, root};
use crate::tools::nginx_program;

/// The address of nginx, which is another one than that of a client on this machine.
const PROXY: &str = "127.0.0.2";

/// The ports of nginx.
struct ProxyPorts {
    auth: u16,
    users: u16,
}

/// Starts nginx with the committed configuration and the addresses and certificates of the test.
fn start_nginx(stack: &Stack, authority: &TestAuthority, ports: &ProxyPorts) -> Process {
    let folder = stack.folder().join("nginx");
    std::fs::create_dir(&folder).unwrap();
    let at = folder.display();
    let port_of = |url: String| format!("127.0.0.1:{}", url.rsplit(':').next().unwrap());
    let server = authority.server();
    let paths = format!(
        "http {{ access_log off; proxy_bind {PROXY}; client_body_temp_path {at}/b; proxy_temp_path {at}/p; \
         fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;"
    );
    let text = read(&root().join("deploy/nginx/mutual-tls.conf"))
        .text
        .replace("worker_rlimit_nofile 8192;", "")
        .replace("worker_connections 4096", "worker_connections 256")
        .replace("127.0.0.1:8443", &format!("127.0.0.1:{}", ports.auth))
        .replace("127.0.0.1:8444", &format!("127.0.0.1:{}", ports.users))
        .replace("127.0.0.1:8000", &port_of(stack.auth_url("")))
        .replace("127.0.0.1:8001", &port_of(stack.users_url("")))
        .replace(
            "/etc/nginx/tls/certificate.pem",
            server.certificate.to_str().unwrap(),
        )
        .replace("/etc/nginx/tls/key.pem", server.key.to_str().unwrap())
        .replace("\nhttp {", &format!("\n{paths}"));
    let main = format!("daemon off; master_process off; pid {at}/pid; error_log stderr;\n");
    let configuration = folder.join("nginx.conf");
    std::fs::write(&configuration, main + text.as_str()).unwrap();
    Process::start(Program {
        name: "nginx",
        path: nginx_program(),
        arguments: vec![
            "-c".into(),
            configuration.into(),
            "-p".into(),
            folder.clone().into(),
        ],
        environment: Vec::new(),
        folder,
        log: stack.folder().join("nginx.log"),
    })
}

/// A client that reaches the services without the proxy and writes the headers of the proxy itself gets nothing.
fn is_refused_beside_the_proxy(stack: &Stack, client: &CertificateClient, token: &str) {
    let spoofed = spoofed_headers(&client.own);
    let plain = |arguments: &[&str]| curl(None, None, &spoofed, arguments);
    assert_refused(
        &token_request(&stack.auth_url("/oauth2/token"), client, plain),
        "invalid_client",
    );
    let stolen = users_request(&stack.users_url(""), token, plain);
    assert_eq!(stolen.status, 401, "{}", stolen.body);
}

// SB-28, SB-33, SB-51; RFC 8705 §2, §3, RFC 9440 §2
#[tokio::test]
async fn clients_authenticate_behind_nginx_and_nobody_else_says_which_certificate_came() {
    let authority = TestAuthority::new();
    let ports = ProxyPorts {
        auth: free_port(),
        users: free_port(),
    };
    let alias = format!("https://localhost:{}", ports.auth);
    let authorities = authority.certificate();
    let mut options = StackOptions::default()
        .with(
            "VESTIBULE_AUTH__MUTUAL_TLS__AUTHORITIES",
            authorities.to_str().unwrap(),
        )
        .with("VESTIBULE_AUTH__MUTUAL_TLS__URL", &alias);
    for service in ["AUTH", "USERS"] {
        let listen = format!("VESTIBULE_{service}__LISTEN__");
        options = options
            .with(&format!("{listen}TRUSTED_PROXIES"), PROXY)
            .with(&format!("{listen}CLIENT_CERTIFICATE_HEADER"), "true");
    }
    let stack = Stack::with(options).await;
    let metadata = stack.auth_url("/.well-known/openid-configuration");
    let metadata: Value = stack
        .http()
        .get(metadata)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let site = MutualTlsSite {
        authority: authorities,
        token_endpoint: metadata["mtls_endpoint_aliases"]["token_endpoint"]
            .as_str()
            .unwrap()
            .to_owned(),
        users: format!("https://localhost:{}", ports.users),
    };
    assert_eq!(site.token_endpoint, format!("{alias}/oauth2/token"));
    let nginx = start_nginx(&stack, &authority, &ports);
    within(std::time::Duration::from_secs(60), "nginx listens", async || {
        tokio::net::TcpStream::connect(("127.0.0.1", ports.users))
            .await
            .ok()
    })
    .await;

    // A certificate with a short key, and one with a long key, whose PEM has many lines.
    for client in [
        issued_client(&stack, &authority, CertificateKey::Rsa4096).await,
        self_signed_client(&stack, &authority).await,
    ] {
        let token = site.gets_a_bound_token(&client);
        is_refused_beside_the_proxy(&stack, &client, &token);
    }
    // A certificate that is too long for nginx does not reach the service, and its lines are read once.
    let long = self_signed_client_with(&stack, authority.long_self_signed_client(), Vec::new()).await;
    assert_refused(&site.token(&long, Some(&long.own), &[]), "invalid_client");
    let log = nginx.log();
    assert!(!log.contains("pcre"), "{log}");
}
