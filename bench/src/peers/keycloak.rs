//! Keycloak in its production mode, on the PostgreSQL server of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use testkit::{Process, Program};

use super::provider::{CALLBACK, Facts, PEOPLE, Paths, Provider, Service, local, ready, user_name};
use super::rounds;
use crate::directory::keycloak::{ADMINISTRATOR, FOLDER, fresh_database};
use crate::load::{Connection, PreparedRequest};
use crate::process::{Script, only_child};
use crate::requests::FORM;

const DISCOVERY: &str = "/realms/bench/.well-known/openid-configuration";
const SECRET: &str = "a-secret-of-the-bench";
const PASSWORD: &str = "plum-tractor-violin-42";

/// Starts it, if it is installed.
pub(super) async fn start() -> Result<Option<Provider>> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return Ok(None);
    };
    let built = Command::new(folder.join("bin/kc.sh"))
        .args(["build", "--db=postgres", "--cache=local"])
        .output()?;
    ensure!(
        built.status.success(),
        "kc.sh build: {}",
        String::from_utf8_lossy(&built.stdout)
    );
    let port = testkit::free_port();
    let mut script = Script(Process::start(program(&folder, &fresh_database().await?, port)));
    let address = local(port);
    ready(
        Instant::now(),
        address,
        "/realms/master/.well-known/openid-configuration",
    )
    .await?;
    create_realm(&mut Connection::open(address).await?).await?;
    script.0.terminate().await;
    let start = Instant::now();
    script.0.start_again();
    let start_to_ready = ready(start, address, DISCOVERY).await?;
    let service = |id: &str| Service {
        id: id.to_owned(),
        secret: SECRET.to_owned(),
        parameters: "",
    };
    let facts = Facts {
        address,
        paths: Paths::read(address, DISCOVERY).await?,
        service: service("service-es256"),
        service_rs256: Some(service("service-rs256")),
        pushing: service("service-rs256"),
        introspecting: service("service-rs256"),
        flow_rs256: "flow-rs256".to_owned(),
        flow_es256: "flow-es256".to_owned(),
        bound: "flow-dpop".to_owned(),
        people: (0..PEOPLE)
            .map(|number| (user_name(number), PASSWORD.to_owned()))
            .collect(),
    };
    Ok(Some(Provider {
        facts,
        start_to_ready,
        processes: vec![only_child(script.0.id())?],
        postmaster: Some(rounds::postmaster().await?),
        missing: Vec::new(),
        running: Box::new(script),
    }))
}

fn program(folder: &Path, database: &str, port: u16) -> Program {
    let (name, password) = ADMINISTRATOR;
    Program {
        name: "keycloak",
        path: folder.join("bin/kc.sh"),
        arguments: vec![
            "start".into(),
            "--optimized".into(),
            "--http-enabled=true".into(),
            format!("--hostname=http://localhost:{port}").into(),
            format!("--http-port={port}").into(),
            format!("--db-url={database}").into(),
        ],
        environment: [
            ("KC_BOOTSTRAP_ADMIN_USERNAME", name),
            ("KC_BOOTSTRAP_ADMIN_PASSWORD", password),
            ("KC_DB_USERNAME", "postgres"),
            ("KC_DB_PASSWORD", "unused"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        log: folder.join("bench.log"),
        folder: folder.to_owned(),
    }
}

/// Creates a realm whose clients do the same as those of the others.
async fn create_realm(connection: &mut Connection) -> Result<()> {
    let (name, password) = ADMINISTRATOR;
    let form = format!("grant_type=password&client_id=admin-cli&username={name}&password={password}");
    let sign_in = PreparedRequest::post("/realms/master/protocol/openid-connect/token", FORM, form);
    let tokens: Value = serde_json::from_slice(&connection.ok(&sign_in).await?.body)?;
    let token = tokens.get("access_token").and_then(Value::as_str);
    let bearer = format!("Bearer {}", token.context("an access token")?);
    let mut create = async |path: &str, body: Value| -> Result<()> {
        let call = PreparedRequest::post(path, "application/json", body.to_string());
        let call = call.with(AUTHORIZATION, bearer.clone());
        connection.ok(&call).await.map(drop)
    };
    create("/admin/realms", realm()).await?;
    let key = json!({
        "name": "es256", "providerId": "ecdsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
        "config": { "ecdsaEllipticCurveKey": ["P-256"], "priority": ["50"], "enabled": ["true"], "active": ["true"] },
    });
    create("/admin/realms/bench/components", key).await
}

fn person(number: usize) -> Value {
    let name = user_name(number);
    json!({
        "username": name, "enabled": true, "email": format!("{name}@example.org"), "emailVerified": true,
        "firstName": "Ann", "lastName": "Example",
        "credentials": [{ "type": "password", "value": PASSWORD, "temporary": false }],
    })
}

fn realm() -> Value {
    let public = |id: &str, id_token: &str, access: &str, bound: &str| {
        json!({
            "clientId": id, "publicClient": true, "standardFlowEnabled": true, "redirectUris": [CALLBACK],
            "attributes": {
                "pkce.code.challenge.method": "S256", "id.token.signed.response.alg": id_token,
                "access.token.signed.response.alg": access, "dpop.bound.access.tokens": bound,
            },
            // Who introspects a token has to be of its audience.
            "protocolMappers": [{
                "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
                "config": { "included.client.audience": "service-rs256", "access.token.claim": "true" },
            }],
        })
    };
    let service = |id: &str, algorithm: &str| {
        json!({
            "clientId": id, "publicClient": false, "secret": SECRET, "serviceAccountsEnabled": true,
            "standardFlowEnabled": true, "redirectUris": [CALLBACK],
            "attributes": { "access.token.signed.response.alg": algorithm },
        })
    };
    json!({
        "realm": "bench", "enabled": true, "sslRequired": "NONE", "accessTokenLifespan": 300,
        // A refresh token is good once, as with the others.
        "revokeRefreshToken": true, "refreshTokenMaxReuse": 0,
        "users": (0..PEOPLE).map(person).collect::<Vec<_>>(),
        "clients": [
            public("flow-rs256", "RS256", "RS256", "false"),
            public("flow-es256", "ES256", "ES256", "false"),
            public("flow-dpop", "ES256", "ES256", "true"),
            service("service-rs256", "RS256"),
            service("service-es256", "ES256"),
        ],
    })
}
