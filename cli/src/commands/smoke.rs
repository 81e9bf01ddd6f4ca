//! `vestibule smoke`: whether somebody can really sign in.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::random::{SharedRandom, SystemRandom};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::api::{Api, ApiError, Side, Target, read, secret_in, text};
use crate::failure::{Code, Failure};
use crate::logs::printable;
use crate::output::{self, Format};

/// How often is asked again while a service is away or an account is being set up.
const AGAIN: Duration = Duration::from_millis(500);

/// Try it for real: make a person, sign her in, ask who she is, and delete her
///
/// It proves the way from end to end: the account is made in both services, a password is checked, a token is signed by
/// the one service and believed by the other. The person is deleted whatever happens. With --user it signs somebody in
/// who is there, and makes and deletes nobody; that needs no credential. POST /authenticate has to be enabled.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule smoke
  vestibule smoke --auth-url http://vestibule-auth:8000 --users-url http://vestibule-users:8001 \\
    --client-id vestibule-cli --client-secret-file /run/secrets/vestibule-cli
  vestibule smoke --user canary --password-file /run/secrets/canary")]
pub(crate) struct Smoke {
    /// Sign in this person, who is there, instead of a new one
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// File that holds the password of --user
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Seconds after which it gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    #[command(flatten)]
    target: Target,
}

/// Whom to sign in.
struct Person {
    name: String,
    password: SecretString,
    /// Of somebody who was made for this.
    id: Option<String>,
}

impl Smoke {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let end = Instant::now() + Duration::from_secs(self.timeout);
        // A part of the time is kept for the removal.
        let until = end - Duration::from_secs(self.timeout) / 4;
        let api = match self.user {
            Some(_) => Api::for_anybody(&self.target)?,
            None => Api::new(&self.target, &["admin", "users:read", "users:write"])?,
        };
        let person = self.person(&api, until).await?;
        let known = tokio::select! {
            known = signs_in(&api, &person, until) => known,
            told = told_to_end() => Err(told),
        };
        let removed = remove(&api, &person, end, known.is_ok()).await;
        let known = known?;
        removed?;
        let made = person.id.is_some();
        match self.target.output {
            Format::Json => output::json(&json!({
                "ok": true,
                "user": { "id": known.get("id"), "userName": person.name },
                "deleted": made,
            })),
            Format::Table => output::line(format!(
                "{} signed in, and both services know who that is{}",
                printable(&person.name),
                if made {
                    "; the account is deleted again"
                } else {
                    ""
                }
            )),
        }
    }

    /// The person that was named, or a new one.
    async fn person(&self, api: &Api, until: Instant) -> Result<Person, Failure> {
        if let (Some(name), Some(file)) = (&self.user, &self.password_file) {
            return Ok(Person {
                name: name.clone(),
                password: secret_in(file)?,
                id: None,
            });
        }
        let random: SharedRandom = Arc::new(SystemRandom::default());
        let mut number = [0; 6];
        random.fill(&mut number);
        let number: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("smoke-{number}");
        let password = SecretString::from(random.token().expose().to_owned());
        let body = json!({
            "user_name": name,
            // RFC 2606 §2: nobody has this address.
            "email": format!("{name}@vestibule.example"),
            "password": password.expose_secret(),
        });
        let mut asked = 0_u32;
        let made = patiently(until, || {
            asked += 1;
            api.call_with(Side::Auth, Method::POST, "/admin/v1/users", &body)
        })
        .await;
        let id = match made {
            Ok(made) => text(&made, "/id"),
            // An attempt before this one was taken, and its answer was lost.
            Err(error) if error.code() == Code::Conflict && asked > 1 => found(api, &name, until).await?,
            Err(error) => return Err(error),
        };
        Ok(Person {
            name,
            password,
            id: Some(id),
        })
    }
}

/// The id of somebody who may still be on the way to `users`.
async fn found(api: &Api, name: &str, until: Instant) -> Result<String, Failure> {
    let path = format!("/scim/v2/Users?filter=userName%20eq%20%22{name}%22");
    patiently(until, async || {
        let found = api.call(Side::Users, Method::GET, &path).await?;
        match text(&found, "/Resources/0/id") {
            id if id.is_empty() => Err(ApiError::Unreachable {
                service: Side::Users.name(),
                url: path.clone(),
                reason: "the account has not arrived".to_owned(),
            }),
            id => Ok(id),
        }
    })
    .await
}

/// Waits for the signal that ends the program: nobody is left behind then either.
async fn told_to_end() -> Failure {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Failure::new(Code::Failed, "told to end before the person had signed in")
}

/// Signs the person in at `auth` and asks `users` who that is.
async fn signs_in(api: &Api, person: &Person, until: Instant) -> Result<Value, Failure> {
    let body = json!({ "username": person.name, "password": person.password.expose_secret() });
    let tokens: Value = patiently(until, async || {
        let request = api
            .request(Side::Auth, Method::POST, "/authenticate")?
            .json(&body);
        answer(Side::Auth, request).await
    })
    .await?;
    let access = SecretString::from(text(&tokens, "/access_token"));
    let known: Value = patiently(until, async || {
        let request = api.request(Side::Users, Method::GET, "/user")?;
        answer(Side::Users, request.bearer_auth(access.expose_secret())).await
    })
    .await?;
    let expected = text(&tokens, "/user/id");
    let found = text(&known, "/id");
    if found.is_empty() || (!expected.is_empty() && found != expected) {
        return Err(Failure::new(
            Code::Failed,
            format!(
                "auth signed {} in, and users knows somebody else by that token",
                printable(&person.name)
            ),
        ));
    }
    Ok(known)
}

/// Deletes who was made for this. Who was not `seen` may still be on the way to `users`, and is waited for.
async fn remove(api: &Api, person: &Person, until: Instant, seen: bool) -> Result<(), Failure> {
    let Some(id) = &person.id else { return Ok(()) };
    let path = format!("/scim/v2/Users/{}", crate::api::escape(id));
    let passes = |error: &ApiError| {
        let missing = matches!(error, ApiError::Refused { status, .. } if status.as_u16() == 404);
        is_passing(error) || (missing && !seen)
    };
    while_passing(until, passes, async || {
        api.call(Side::Users, Method::DELETE, &path).await.map(|_| ())
    })
    .await
    .map_err(|error| {
        let name = printable(&person.name);
        error.hint(format!("{name} is still there: vestibule user delete {name}"))
    })
}

async fn answer(side: Side, request: reqwest::RequestBuilder) -> Result<Value, ApiError> {
    let response = request
        .send()
        .await
        .map_err(|error| ApiError::transport(side.name(), error))?;
    read(side, response).await
}

/// Asks again, until `until`, while a service is away or says that it is too early.
async fn patiently<T, F>(until: Instant, ask: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, ApiError>>,
{
    while_passing(until, is_passing, ask).await
}

/// Asks again, until `until`, while what is wrong passes. No answer is waited for longer than that.
async fn while_passing<T, F>(
    until: Instant,
    passes: impl Fn(&ApiError) -> bool,
    mut ask: impl FnMut() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, ApiError>>,
{
    loop {
        let Ok(answer) = tokio::time::timeout_at(until.into(), ask()).await else {
            return Err(Failure::new(Code::Unreachable, "no answer came in time"));
        };
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) if passes(&error) && Instant::now() + AGAIN < until => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Services that have just been started miss each other at first, and an account may still be on its way.
fn is_passing(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { .. } => true,
        ApiError::Refused { status, .. } => status.is_server_error() || status.as_u16() == 429,
        ApiError::NoUrl(_) | ApiError::NoCredential | ApiError::Answer { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> ApiError {
        ApiError::Refused {
            service: "auth",
            status: reqwest::StatusCode::from_u16(status).expect("a status"),
            problem: Box::default(),
        }
    }

    #[tokio::test]
    async fn what_passes_is_asked_again_and_what_stays_wrong_is_not() {
        let until = Instant::now() + Duration::from_secs(20);
        let mut asked = 0;
        let answer = patiently(until, || {
            asked += 1;
            let answer = if asked == 1 { Err(refused(503)) } else { Ok(asked) };
            async move { answer }
        })
        .await;
        assert_eq!(answer.expect("an answer"), 2);
        let mut asked = 0;
        let answer: Result<(), Failure> = patiently(until, || {
            asked += 1;
            async { Err(refused(401)) }
        })
        .await;
        assert_eq!((answer.expect_err("refused").code(), asked), (Code::Denied, 1));
    }

    #[tokio::test]
    async fn nothing_is_waited_for_longer_than_was_asked() {
        let until = Instant::now() + Duration::from_millis(50);
        let answer: Result<(), Failure> = patiently(until, std::future::pending).await;
        assert_eq!(answer.expect_err("no answer").code(), Code::Unreachable);
    }
}
