//! Creation of users beside Keycloak's, by the administration API of each, on the same PostgreSQL server in the same run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use testkit::{Engine, Process, Program, Stack, StackOptions};
use tokio::task::JoinSet;

use super::people;
use crate::load::{Connection, PreparedRequest};
use crate::process::Script;
use crate::requests::{FORM, address, token_call};

/// The variable with the folder of an unpacked Keycloak; without it, nothing is compared.
pub(crate) const FOLDER: &str = "VESTIBULE_BENCH_KEYCLOAK";
/// The variable with the URL of the PostgreSQL server, as in the tests.
const POSTGRES: &str = "VESTIBULE_TEST_POSTGRES";
/// The administrator of Keycloak, which is there for this run.
pub(crate) const ADMINISTRATOR: (&str, &str) = ("admin", "a-password-of-the-bench");
const DATABASE: &str = "vestibule_bench_keycloak";

/// Connections that create users at the same time.
const CONNECTIONS: u64 = 4;
const WARM_UP: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(30);
/// The longest that Keycloak may take to start, which builds itself first.
const START: Duration = Duration::from_secs(600);

/// Users that each creates in a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Compared {
    pub(super) own: f64,
    pub(super) keycloak: f64,
}

/// Measures both, if there is a Keycloak.
pub(super) async fn measure() -> Result<Option<Compared>> {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return Ok(None);
    };
    let keycloak = of_keycloak(folder.into()).await?;
    let stack = Stack::with(StackOptions::on(Engine::Postgres)).await;
    let token = text(
        &Connection::open(address(&stack.auth_url(""))?)
            .await?
            .ok(&token_call(&stack))
            .await?
            .body,
        "access_token",
    )?;
    let request = |number: u64| {
        let names = people::names(number);
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": names.user_name, "active": true,
            "name": { "givenName": names.given, "familyName": names.family },
            "emails": [{ "value": names.address, "primary": true }],
        });
        PreparedRequest::post("/scim/v2/Users", "application/scim+json", body.to_string())
    };
    let own = per_second(address(&stack.users_url(""))?, &token, request).await?;
    Ok(Some(Compared { own, keycloak }))
}

async fn of_keycloak(folder: PathBuf) -> Result<f64> {
    let (database, port) = (fresh_database().await?, testkit::free_port());
    let (name, password) = ADMINISTRATOR;
    let script = Script(Process::start(Program {
        name: "keycloak",
        path: folder.join("bin/kc.sh"),
        arguments: ["start-dev", "--db=postgres", "--cache=local"]
            .map(Into::into)
            .into_iter()
            .chain([
                format!("--http-port={port}").into(),
                format!("--db-url={database}").into(),
            ])
            .collect(),
        environment: [
            ("KC_BOOTSTRAP_ADMIN_USERNAME", name),
            ("KC_BOOTSTRAP_ADMIN_PASSWORD", password),
            ("KC_DB_USERNAME", "postgres"),
            ("KC_DB_PASSWORD", "unused"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        log: folder.join("bench.log"),
        folder,
    }));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let form = format!("grant_type=password&client_id=admin-cli&username={name}&password={password}");
    let sign_in = PreparedRequest::post("/realms/master/protocol/openid-connect/token", FORM, form);
    let deadline = Instant::now() + START;
    let administrator = loop {
        if let Ok(mut connection) = Connection::open(address).await
            && let Ok(answer) = connection.ok(&sign_in).await
        {
            break text(&answer.body, "access_token")?;
        }
        if Instant::now() > deadline {
            bail!("Keycloak does not start: see bench.log in its folder");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    // The tokens of its administrator live for a minute.
    let realm = json!({ "accessTokenLifespan": 3600 });
    let mut lasting = PreparedRequest::post("/admin/realms/master", "application/json", realm.to_string());
    lasting.method = http::Method::PUT;
    let mut connection = Connection::open(address).await?;
    connection
        .ok(&lasting.with(AUTHORIZATION, format!("Bearer {administrator}")))
        .await?;
    let token = text(&connection.ok(&sign_in).await?.body, "access_token")?;
    let request = |number: u64| {
        let names = people::names(number);
        let body = json!({
            "username": names.user_name, "email": names.address, "enabled": true,
            "firstName": names.given, "lastName": names.family,
        });
        PreparedRequest::post("/admin/realms/master/users", "application/json", body.to_string())
    };
    let rate = per_second(address, &token, request).await;
    drop(script);
    rate
}

/// The URL of an empty database, as Java knows it.
pub(crate) async fn fresh_database() -> Result<String> {
    let admin = std::env::var(POSTGRES).context(POSTGRES)?;
    let mut connection = PgConnection::connect(&admin).await?;
    for statement in [
        format!("DROP DATABASE IF EXISTS {DATABASE}"),
        format!("CREATE DATABASE {DATABASE}"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
    }
    let url = url::Url::parse(&admin)?;
    let host = url.host_str().unwrap_or("127.0.0.1");
    Ok(format!(
        "jdbc:postgresql://{host}:{}/{DATABASE}",
        url.port().unwrap_or(5432)
    ))
}

/// Users created in a second over a few connections, after a while in which caches and the compiler of the JVM warm up.
async fn per_second(
    address: SocketAddr,
    token: &str,
    request: impl Fn(u64) -> PreparedRequest + Clone + Send + 'static,
) -> Result<f64> {
    let begin = Instant::now() + WARM_UP;
    let mut workers: JoinSet<Result<u64>> = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let (request, bearer) = (request.clone(), format!("Bearer {token}"));
        workers.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut created = 0;
            for number in (worker..).step_by(usize::try_from(CONNECTIONS)?) {
                let call = request(number).with(AUTHORIZATION, bearer.clone());
                connection.ok(&call).await?;
                if Instant::now() > begin + MEASURED {
                    break;
                }
                created += u64::from(Instant::now() > begin);
            }
            Ok(created)
        });
    }
    let mut created = 0;
    while let Some(worker) = workers.join_next().await {
        created += worker??;
    }
    Ok(created as f64 / MEASURED.as_secs_f64())
}

fn text(body: &[u8], name: &str) -> Result<String> {
    let body: Value = serde_json::from_slice(body)?;
    Ok(body
        .get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("no {name}"))?
        .to_owned())
}
