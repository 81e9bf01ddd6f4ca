//! Measures the CPU time of the server for each kind of request.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde_json::{Value, json};
use testkit::{Person, Stack, Visitor, pkce_challenge};
use tokio::task::JoinSet;
use url::Url;

use crate::baseline;
use crate::load::{Connection, PreparedRequest, repeat};
use crate::process::cpu_time;
use crate::report::{Figure, Report, micros};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
const CALLBACK: &str = "https://app.example.org/callback";
pub(crate) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0123";

/// The address of a service.
pub(crate) fn address(url: &str) -> Result<SocketAddr> {
    let port = Url::parse(url)?.port().context("a port")?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// A client_credentials request of the operator's client.
pub(crate) fn token_call(stack: &Stack) -> PreparedRequest {
    let basic = STANDARD.encode(format!("vestibule-cli:{}", stack.operator_secret()));
    let form = "grant_type=client_credentials&scope=admin+users%3Aread+users%3Awrite";
    PreparedRequest::post("/oauth2/token", FORM, form.to_owned())
        .with(header::AUTHORIZATION, format!("Basic {basic}"))
}

/// CPU time of one of `count` requests, after some that warm up caches and pools.
async fn per_request(
    process: u32,
    address: SocketAddr,
    call: &PreparedRequest,
    count: usize,
) -> Result<Duration> {
    repeat(address, call, count / 10 + 1).await?;
    let before = cpu_time(process)?;
    repeat(address, call, count).await?;
    Ok(per_item(cpu_time(process)?.saturating_sub(before), count))
}

fn per_item(time: Duration, count: usize) -> Duration {
    time / u32::try_from(count.max(1)).unwrap_or(u32::MAX)
}

pub(crate) async fn measure(report: &mut Report, stack: &Stack, of: &impl Fn(u32) -> usize) -> Result<()> {
    let (bare, bare_address) = baseline::start().await?;
    let base = per_request(bare.id(), bare_address, &PreparedRequest::get("/"), of(40_000)).await?;
    drop(bare);
    report.add(
        "Server CPU time per request",
        Figure::new("a bare hyper handler (baseline)", micros(base)),
    );

    let ann = stack.register("ann").await;
    let bearer = format!("Bearer {}", stack.authenticate(&ann).await.access);
    let auth = (stack.auth.id(), address(&stack.auth_url(""))?);
    let users = (stack.users.id(), address(&stack.users_url(""))?);
    let rows = [
        (
            "discovery",
            auth,
            PreparedRequest::get("/.well-known/openid-configuration"),
            of(40_000),
            "≤ 25 µs",
        ),
        (
            "JWKS",
            auth,
            PreparedRequest::get("/oauth2/jwks"),
            of(40_000),
            "≤ 25 µs",
        ),
        (
            "client_credentials token, ES256",
            auth,
            token_call(stack),
            of(15_000),
            "≤ 80 µs",
        ),
        (
            "`GET /user`",
            users,
            PreparedRequest::get("/user").with(header::AUTHORIZATION, bearer),
            of(20_000),
            "≤ 80 µs",
        ),
    ];
    for (name, (process, address), call, count, aim) in rows {
        let time = per_request(process, address, &call, count).await?;
        report.add(
            "Server CPU time per request",
            Figure::new(name, micros(time)).target(aim).over(time, base),
        );
    }
    let time = code_flow(stack, &ann, auth, of(1_500)).await?;
    report.add(
        "Server CPU time per request",
        Figure::new(
            "code flow with an existing session (authorize + token)",
            micros(time),
        )
        .target("≤ 1 ms")
        .over(time, base),
    );
    Ok(())
}

/// CPU time of one code flow: the authorization request of a signed-in browser, and the exchange of the code.
async fn code_flow(
    stack: &Stack,
    person: &Person,
    auth: (u32, SocketAddr),
    count: usize,
) -> Result<Duration> {
    const WORKERS: usize = 4;
    let id = flow_client(stack).await?;
    let cookies = signed_in(stack, person).await;
    let (process, address) = auth;
    let round = |count: usize| {
        let mut workers: JoinSet<Result<()>> = JoinSet::new();
        for _ in 0..WORKERS {
            let (id, cookies) = (id.clone(), cookies.clone());
            workers.spawn(async move {
                let mut connection = Connection::open(address).await?;
                for _ in 0..count.div_ceil(WORKERS) {
                    run_code_flow(&mut connection, &id, &cookies).await?;
                }
                Ok(())
            });
        }
        workers
    };
    for worker in round(count / 10 + 1).join_all().await {
        worker?;
    }
    let before = cpu_time(process)?;
    for worker in round(count).join_all().await {
        worker?;
    }
    Ok(per_item(cpu_time(process)?.saturating_sub(before), count))
}

/// A public client that may do code flows; its id.
pub(crate) async fn flow_client(stack: &Stack) -> Result<String> {
    let client = stack
        .create_client(&json!({
            "client_name": "bench",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let id = client.get("client_id").and_then(Value::as_str);
    Ok(id.context("client_id")?.to_owned())
}

/// An authorization request of a signed-in browser, and the exchange of its code.
pub(crate) async fn run_code_flow(connection: &mut Connection, client: &str, cookies: &str) -> Result<()> {
    let authorize = format!(
        "/oauth2/authorize?response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fapp.example.org%2Fcallback\
         &scope=openid%20profile&state=s&nonce=n&code_challenge={}&code_challenge_method=S256",
        pkce_challenge(VERIFIER)
    );
    let call = PreparedRequest::get(&authorize).with(header::COOKIE, cookies.to_owned());
    let answer = connection.ok(&call).await?;
    let location = answer
        .headers
        .get(header::LOCATION)
        .context("a redirect")?
        .to_str()?;
    let code = Url::parse(location)?
        .query_pairs()
        .find(|(name, _)| name == "code")
        .map(|(_, value)| value.into_owned());
    let code = code.with_context(|| format!("no code in {location}"))?;
    let body = format!(
        "grant_type=authorization_code&client_id={client}&code={code}&code_verifier={VERIFIER}\
         &redirect_uri=https%3A%2F%2Fapp.example.org%2Fcallback"
    );
    connection
        .ok(&PreparedRequest::post("/oauth2/token", FORM, body))
        .await?;
    Ok(())
}

/// The cookies of a browser in which `person` is signed in.
pub(crate) async fn signed_in(stack: &Stack, person: &Person) -> String {
    let mut visitor = Visitor::at(&stack.auth_url(""));
    let page = visitor.open("/login").await;
    visitor
        .submit(
            &page,
            "/login",
            &[("user_name", &person.user_name), ("password", &person.password)],
        )
        .await;
    let cookies: Vec<String> = visitor
        .cookies()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    cookies.join("; ")
}
