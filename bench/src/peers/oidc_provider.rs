//! `oidc-provider` of npm, in one process of Node.js, with everything in memory (`bench/peers`).

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use testkit::{Process, Program};

use super::provider::{Facts, PEOPLE, Paths, Provider, Service, local, ready, user_name};

const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(super) async fn start() -> Result<Provider> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    ensure!(
        folder.join("node_modules/oidc-provider").exists(),
        "oidc-provider is not installed: npm ci --prefix bench/peers (scripts/bench does)"
    );
    let port = testkit::free_port();
    let logs = std::env::temp_dir().join(format!("vestibule-bench-oidc-provider-{port}.log"));
    let start = Instant::now();
    let process = Process::start(Program {
        name: "oidc-provider",
        path: "node".into(),
        arguments: vec!["oidc-provider.mjs".into(), port.to_string().into()],
        environment: vec![("NODE_ENV".to_owned(), "production".to_owned())],
        log: logs,
        folder,
    });
    let address = local(port);
    let start_to_ready = ready(start, address, DISCOVERY).await?;
    let service = |parameters| Service {
        id: "service".to_owned(),
        secret: "a-secret-of-the-bench-which-is-long-enough".to_owned(),
        parameters,
    };
    Ok(Provider {
        facts: Facts {
            address,
            paths: Paths::read(address, DISCOVERY).await?,
            service: service("&resource=https%3A%2F%2Fapi.example.org%2Fes256"),
            service_rs256: Some(service("&resource=https%3A%2F%2Fapi.example.org%2Frs256")),
            pushing: service(""),
            introspecting: service(""),
            flow_rs256: "flow-rs256".to_owned(),
            flow_es256: "flow-es256".to_owned(),
            bound: "flow-dpop".to_owned(),
            people: (0..PEOPLE)
                .map(|number| (user_name(number), "any password".to_owned()))
                .collect(),
        },
        start_to_ready,
        processes: vec![process.id()],
        postmaster: None,
        missing: Vec::new(),
        running: Box::new(process),
    })
}
