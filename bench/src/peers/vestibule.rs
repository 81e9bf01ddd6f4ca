//! This service, on either engine.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Engine, Stack, StackOptions};

use super::operation::Operation;
use super::provider::{CALLBACK, Facts, PEOPLE, Paths, Provider, Service, ready, user_name};
use super::rounds;
use crate::requests::address;

const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(super) async fn start(engine: Engine) -> Result<Provider> {
    let options = StackOptions::on(engine)
        // Every request comes from one address and one client here.
        .with("VESTIBULE_AUTH__AUTHORIZATION__WAITING_PER_SOURCE", "20000")
        .with("VESTIBULE_AUTH__AUTHORIZATION__PUSHED_PER_CLIENT", "40000");
    let mut stack = Stack::with(options).await;
    let address = address(&stack.auth_url(""))?;
    stack.auth.terminate().await;
    let start = Instant::now();
    stack.auth.start_again();
    let start_to_ready = ready(start, address, DISCOVERY).await?;
    stack.ready().await;

    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let person = stack.register(&user_name(number)).await;
        people.push((person.user_name.clone(), person.password.clone()));
    }
    let public = |algorithm: &str| {
        json!({
            "client_name": "bench", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "id_token_signed_response_alg": algorithm,
        })
    };
    let confidential = |mut more: Value| {
        if let Some(members) = more.as_object_mut() {
            members.insert("client_name".to_owned(), json!("bench"));
            members.insert(
                "token_endpoint_auth_method".to_owned(),
                json!("client_secret_basic"),
            );
        }
        more
    };
    let pushing = confidential(json!({ "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"] }));
    let introspecting = confidential(json!({
        "grant_types": ["client_credentials"], "scope": "users:read", "resource": stack.users_audience(),
    }));
    let facts = Facts {
        address,
        paths: Paths::read(address, DISCOVERY).await?,
        service: Service {
            id: "vestibule-cli".to_owned(),
            secret: stack.operator_secret().to_owned(),
            parameters: "&scope=users%3Aread",
        },
        service_rs256: None,
        pushing: service(&stack.create_client(&pushing).await)?,
        introspecting: service(&stack.create_client(&introspecting).await)?,
        flow_rs256: id(&stack.create_client(&public("RS256")).await)?,
        flow_es256: id(&stack.create_client(&public("ES256")).await)?,
        bound: id(&stack.create_client(&public("ES256")).await)?,
        people,
    };
    let postmaster = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(rounds::postmaster().await?),
    };
    Ok(Provider {
        facts,
        start_to_ready,
        processes: vec![stack.auth.id(), stack.users.id()],
        postmaster,
        missing: vec![(
            Operation::ClientCredentialsRs256,
            "its access tokens are signed with ES256 alone",
        )],
        running: Box::new(stack),
    })
}

fn id(client: &Value) -> Result<String> {
    text(client, "client_id")
}

fn service(client: &Value) -> Result<Service> {
    Ok(Service {
        id: id(client)?,
        secret: text(client, "client_secret")?,
        parameters: "",
    })
}

fn text(client: &Value, name: &'static str) -> Result<String> {
    let value = client.get(name).and_then(Value::as_str);
    Ok(value.context(name)?.to_owned())
}
