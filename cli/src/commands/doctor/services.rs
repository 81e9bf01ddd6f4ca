//! The services: whether they are there, of this version, on time, and take the credential.

use std::time::Duration;

use chassis::clock::{Clock, SystemClock};
use reqwest::Method;
use reqwest::header::DATE;
use serde_json::Value;

use super::Finding;
use crate::api::{Api, Side, Target, text};
use crate::datadir::{DataDir, Ports};
use crate::failure::Failure;
use crate::supervisor::ports::{Port, try_bind};

/// A token would be refused for its times when clocks differ by more.
const SKEW: Duration = Duration::from_secs(30);

/// While nothing runs: whether the ports are free for a start.
pub(super) fn ports(data: &DataDir, findings: &mut Vec<Finding>) {
    let Ok(at) = data.endpoints(Ports::default(), &|name| std::env::var(name).ok()) else {
        return; // A configuration that cannot be read is a finding of its own.
    };
    for (owner, option, address) in [
        ("auth", "--auth-port", at.auth.listen),
        ("users", "--users-port", at.users.listen),
        ("auth management", "--auth-management-port", at.auth.management),
        ("users management", "--users-management-port", at.users.management),
    ] {
        let what = format!("port of {owner}");
        let port = Port {
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

/// Whether the files agree about the URLs of the services. While it runs, `vestibule up` makes them.
pub(super) fn addresses(data: &DataDir) -> Option<Finding> {
    let what = "addresses";
    let env = |name: &str| std::env::var(name).ok();
    // A configuration that cannot be read is a finding of its own.
    let at = data.endpoints(Ports::default(), &env).ok()?;
    Some(match data.overlay(&at, Ports::default(), &env) {
        Err(error) => Finding::bad(
            what,
            error.to_string(),
            "Edit it as said, then start `vestibule up` again.",
        ),
        Ok(differing) => match differing.first() {
            None => Finding::good(
                what,
                format!("the files agree: {} and {}", at.auth.url, at.users.url),
            ),
            Some(variable) => Finding::bad(
                what,
                format!(
                    "{} is {} in the files, and should be {}",
                    variable.name,
                    variable.instead_of.as_deref().unwrap_or("nothing"),
                    variable.value
                ),
                "`vestibule up` sets it right while it runs; edit the file so that it says so too.",
            ),
        },
    })
}

/// Asks each service how it is, then whether it takes the credential.
pub(super) async fn look(target: &Target, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let scopes = ["admin", "users:read", "events:read"];
    let api = Api::new(target, &scopes)?;
    for (index, side) in [Side::Auth, Side::Users].into_iter().enumerate() {
        let management = api
            .services()
            .management
            .as_ref()
            .and_then(|urls| urls.get(index));
        if let Some(management) = management {
            findings.push(ready(&api, side, management).await);
            findings.extend(version(&api, side, management).await);
        }
    }
    findings.extend(discovery(&api).await);
    credential(&api, findings).await;
    Ok(())
}

async fn ready(api: &Api, side: Side, management: &str) -> Finding {
    let what = format!("service {}", side.name());
    let mend = "Read its lines in the output of `vestibule up`.";
    match api.http().get(format!("{management}/health/ready")).send().await {
        Err(_) => Finding::bad(what, format!("does not answer at {management}"), mend),
        Ok(answer) if answer.status().is_success() => Finding::good(what, format!("is ready ({management})")),
        Ok(answer) => {
            let body: Value = answer.json().await.unwrap_or_default();
            let why = text(&body, "/because");
            Finding::bad(what, format!("is not ready: {why}"), mend)
        }
    }
}

/// Reads `vestibule_build_info{version="…"}`.
async fn version(api: &Api, side: Side, management: &str) -> Option<Finding> {
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
    let what = format!("version of {}", side.name());
    Some(if version == own {
        Finding::good(what, format!("{version}, as this tool"))
    } else {
        let detail = format!("{version}, and this tool is {own}");
        Finding::bad(what, detail, "Use the tool and the services of one release.")
    })
}

/// Whether `auth` answers at its issuer's address (OpenID Connect Discovery §4.3), and what its clock says.
async fn discovery(api: &Api) -> Vec<Finding> {
    let path = "/.well-known/openid-configuration";
    let Ok(request) = api.request(Side::Auth, Method::GET, path) else {
        return Vec::new(); // Only `users` was named.
    };
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(_) => {
            let mend = "See that the address is right and nothing between here and there refuses it.";
            return vec![Finding::bad(
                "issuer",
                "the authentication service does not answer",
                mend,
            )];
        }
    };
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .map(str::to_owned);
    let mut findings: Vec<Finding> = date.and_then(|date| clock(&date)).into_iter().collect();
    let document: Value = answer.json().await.unwrap_or_default();
    let issuer = text(&document, "/issuer");
    let asked = api.url(Side::Auth);
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

/// Compares the clocks by the `Date` of an answer, which counts whole seconds.
fn clock(date: &str) -> Option<Finding> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
    let apart = SystemClock.now().as_secs().abs_diff(theirs);
    Some(if apart <= SKEW.as_secs() {
        Finding::good("clock", format!("{apart} s from the service's"))
    } else {
        let detail = format!("{apart} s from the service's: tokens will be refused");
        Finding::bad("clock", detail, "Let both machines set their clocks by NTP.")
    })
}

/// Whether `auth` gives a token for the credential, and both services take it.
async fn credential(api: &Api, findings: &mut Vec<Finding>) {
    for (side, path) in [
        (Side::Auth, "/admin/v1/keys"),
        (Side::Users, "/scim/v2/Users?count=1"),
    ] {
        if api.request(side, Method::GET, path).is_err() {
            continue;
        }
        let what = format!("credential at {}", side.name());
        findings.push(match api.call(side, Method::GET, path).await {
            Ok(_) => Finding::good(what, "is taken"),
            Err(error) => Finding::bad(
                what,
                error.to_string(),
                "Start `vestibule up` again, which writes operator.json anew; or give a fresh --token.",
            ),
        });
    }
}
