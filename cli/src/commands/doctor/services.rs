//! The checks of the services: readiness, version, issuer, clock and credential.

use std::time::Duration;

use chassis::clock::{Clock, SystemClock};
use contract::paths;
use reqwest::Method;
use reqwest::header::DATE;
use serde_json::Value;

use super::Finding;
use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::datadir::{DataDir, Ports};
use crate::error::CommandError;
use crate::supervisor::ports::{ListenPort, try_bind};

/// The largest difference of the clocks. With a larger one, tokens are refused for their times.
const SKEW: Duration = Duration::from_secs(30);

/// Checks that the ports are free for a start. It is done only while no service runs.
pub(super) fn check_ports(data: &DataDir, findings: &mut Vec<Finding>) {
    let Ok(addresses) = data.addresses(Ports::default(), &|name| std::env::var(name).ok()) else {
        return; // A configuration that cannot be read is a finding of its own.
    };
    for (owner, option, address) in [
        ("auth", "--auth-port", addresses.auth.listen),
        ("users", "--users-port", addresses.users.listen),
        (
            "auth management",
            "--auth-management-port",
            addresses.auth.management,
        ),
        (
            "users management",
            "--users-management-port",
            addresses.users.management,
        ),
    ] {
        let what = format!("port of {owner}");
        let port = ListenPort {
            owner,
            option,
            address,
        };
        findings.push(match try_bind(&port) {
            Ok(()) => Finding::good(what, format!("{address} is free")),
            Err(_) => Finding::bad(
                what,
                format!("{address} cannot be had"),
                format!("Stop what listens there, or start with {option} N."),
            ),
        });
    }
}

/// Checks that the configuration files agree about the URLs of the services. While `vestibule up` runs, it overrides
/// them.
pub(super) fn check_addresses(data: &DataDir) -> Option<Finding> {
    let what = "addresses";
    let env = |name: &str| std::env::var(name).ok();
    // A configuration that cannot be read is a finding of its own.
    let addresses = data.addresses(Ports::default(), &env).ok()?;
    Some(match data.overlay(&addresses, Ports::default(), &env) {
        Err(error) => Finding::bad(
            what,
            error.to_string(),
            "Edit it as said, then start `vestibule up` again.",
        ),
        Ok(differing) => match differing.first() {
            None => Finding::good(
                what,
                format!(
                    "the files agree: {} and {}",
                    addresses.auth.url, addresses.users.url
                ),
            ),
            Some(variable) => Finding::bad(
                what,
                format!(
                    "{} is {} in the files, and should be {}",
                    variable.name,
                    variable.overridden_value.as_deref().unwrap_or("nothing"),
                    variable.value
                ),
                "`vestibule up` sets it right while it runs; edit the file so that it says so too.",
            ),
        },
    })
}

/// Checks each running service, then the issuer, the clock and the credential.
pub(super) async fn check(
    connection: &ConnectionArgs,
    findings: &mut Vec<Finding>,
) -> Result<(), CommandError> {
    let scopes = ["admin", "users:read", "events:read"];
    let api = ApiClient::new(connection, &scopes)?;
    for (index, service) in [RemoteService::Auth, RemoteService::Users]
        .into_iter()
        .enumerate()
    {
        let management = api
            .connection()
            .management
            .as_ref()
            .and_then(|urls| urls.get(index));
        if let Some(management) = management {
            findings.push(check_readiness(&api, service, management).await);
            findings.extend(check_version(&api, service, management).await);
        }
    }
    findings.extend(check_discovery(&api).await);
    check_credential(&api, findings).await;
    Ok(())
}

async fn check_readiness(api: &ApiClient, service: RemoteService, management: &str) -> Finding {
    let what = format!("service {}", service.name());
    let remedy = "Read its lines in the output of `vestibule up`.";
    match api.http().get(format!("{management}/health/ready")).send().await {
        Err(_) => Finding::bad(what, format!("does not answer at {management}"), remedy),
        Ok(answer) if answer.status().is_success() => Finding::good(what, format!("is ready ({management})")),
        Ok(answer) => {
            let body: Value = answer.json().await.unwrap_or_default();
            let why = text_at(&body, "/reasons");
            Finding::bad(what, format!("is not ready: {why}"), remedy)
        }
    }
}

/// Reads `vestibule_build_info{version="…"}`.
async fn check_version(api: &ApiClient, service: RemoteService, management: &str) -> Option<Finding> {
    let answer = api
        .http()
        .get(format!("{management}/metrics"))
        .send()
        .await
        .ok()?;
    let metrics = answer.text().await.ok()?;
    let info = metrics
        .lines()
        .find(|line| line.starts_with("vestibule_build_info{"))?;
    let version = info.split("version=\"").nth(1)?.split('"').next()?;
    let own = env!("CARGO_PKG_VERSION");
    let what = format!("version of {}", service.name());
    Some(if version == own {
        Finding::good(what, format!("{version}, as this tool"))
    } else {
        let detail = format!("{version}, and this tool is {own}");
        Finding::bad(what, detail, "Use the tool and the services of one release.")
    })
}

/// Checks that `auth` answers at the URL of its issuer (OpenID Connect Discovery 1.0 §4.3), and compares the clocks.
async fn check_discovery(api: &ApiClient) -> Vec<Finding> {
    let path = paths::auth::OPENID_CONFIGURATION;
    let Ok(request) = api.request(RemoteService::Auth, Method::GET, path) else {
        return Vec::new(); // Only `users` was named.
    };
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(_) => {
            let remedy = "See that the address is right and nothing between here and there refuses it.";
            return vec![Finding::bad(
                "issuer",
                "the authentication service does not answer",
                remedy,
            )];
        }
    };
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .map(str::to_owned);
    let mut findings: Vec<Finding> = date.and_then(|date| check_clock(&date)).into_iter().collect();
    let document: Value = answer.json().await.unwrap_or_default();
    let issuer = text_at(&document, "/issuer");
    let asked = api.url(RemoteService::Auth);
    findings.push(if issuer.trim_end_matches('/') == asked {
        Finding::good("issuer", format!("{issuer} answers as itself"))
    } else {
        let detail = format!("{asked} calls itself {issuer:?}");
        Finding::bad(
            "issuer",
            detail,
            "Set `issuer` to the address that applications use.",
        )
    });
    findings
}

/// Compares the clocks by the header `Date` of a response, which counts whole seconds.
fn check_clock(date: &str) -> Option<Finding> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
    let apart = SystemClock.now().as_secs().abs_diff(theirs);
    Some(if apart <= SKEW.as_secs() {
        Finding::good("clock", format!("{apart} s from the service's"))
    } else {
        let detail = format!("{apart} s from the service's: tokens will be refused");
        Finding::bad("clock", detail, "Let both machines set their clocks by NTP.")
    })
}

/// Checks that `auth` issues a token for the credential and that both services accept it.
async fn check_credential(api: &ApiClient, findings: &mut Vec<Finding>) {
    for (service, path) in [
        (RemoteService::Auth, paths::auth::KEYS.to_owned()),
        (
            RemoteService::Users,
            format!("{}?count=1", paths::users::SCIM_USERS),
        ),
    ] {
        if api.request(service, Method::GET, &path).is_err() {
            continue;
        }
        let what = format!("credential at {}", service.name());
        findings.push(match api.call(service, Method::GET, &path).await {
            Ok(_) => Finding::good(what, "is taken"),
            Err(error) => Finding::bad(
                what,
                error.to_string(),
                "Start `vestibule up` again, which writes operator.json anew; or give a fresh --token.",
            ),
        });
    }
}
