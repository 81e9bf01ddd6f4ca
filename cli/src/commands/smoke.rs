//! `vestibule smoke`: signs a user in from end to end, to prove that the services work.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::random::{SharedRandom, SystemRandom};
use contract::paths;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::api::{
    ApiClient, ApiError, ConnectionArgs, RemoteService, read_response, read_secret_file, text_at,
};
use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;
use crate::output::{self, Format};

/// The interval of retries while a service is unavailable or an account is being created.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

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
    connection: ConnectionArgs,
}

/// The user who signs in.
struct SmokeUser {
    name: String,
    password: SecretString,
    /// The id, if the user was created for this test.
    id: Option<String>,
}

impl Smoke {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let end = Instant::now() + Duration::from_secs(self.timeout);
        // A part of the time is reserved for the deletion.
        let until = end - Duration::from_secs(self.timeout) / 4;
        let api = match self.user {
            Some(_) => ApiClient::unauthenticated(&self.connection)?,
            None => ApiClient::new(&self.connection, &["admin", "users:read", "users:write"])?,
        };
        let person = self.person(&api, until).await?;
        let known = tokio::select! {
            known = sign_in(&api, &person, until) => known,
            signal = termination_signal() => Err(signal),
        };
        let removed = delete_user(&api, &person, end, known.is_ok()).await;
        let known = known?;
        removed?;
        let made = person.id.is_some();
        match self.connection.output {
            Format::Json => output::print_json(&json!({
                "ok": true,
                "user": { "id": known.get("id"), "userName": person.name },
                "deleted": made,
            })),
            Format::Table => output::print_line(format!(
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

    /// The user that the command line names, or a new one.
    async fn person(&self, api: &ApiClient, until: Instant) -> Result<SmokeUser, CommandError> {
        if let (Some(name), Some(file)) = (&self.user, &self.password_file) {
            return Ok(SmokeUser {
                name: name.clone(),
                password: read_secret_file(file)?,
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
        let made = retry_until(until, || {
            asked += 1;
            api.call_with(RemoteService::Auth, Method::POST, paths::auth::USERS, &body)
        })
        .await;
        let id = match made {
            Ok(made) => text_at(&made, "/id"),
            // An earlier attempt succeeded, and its response was lost.
            Err(error) if error.code() == ErrorCode::Conflict && asked > 1 => {
                find_id(api, &name, until).await?
            }
            Err(error) => return Err(error),
        };
        Ok(SmokeUser {
            name,
            password,
            id: Some(id),
        })
    }
}

/// Finds the id of a user whose account may not have reached `users` yet.
async fn find_id(api: &ApiClient, name: &str, until: Instant) -> Result<String, CommandError> {
    let path = format!("{}?filter=userName%20eq%20%22{name}%22", paths::users::SCIM_USERS);
    retry_until(until, async || {
        let found = api.call(RemoteService::Users, Method::GET, &path).await?;
        match text_at(&found, "/Resources/0/id") {
            id if id.is_empty() => Err(ApiError::Unreachable {
                service: RemoteService::Users.name(),
                url: path.clone(),
                reason: "the account has not arrived".to_owned(),
            }),
            id => Ok(id),
        }
    })
    .await
}

/// Waits for a signal that ends the program, so that the user is deleted in this case too.
async fn termination_signal() -> CommandError {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    CommandError::new(ErrorCode::Failed, "told to end before the person had signed in")
}

/// Signs the user in at `auth` and reads the user at `users` with the token.
async fn sign_in(api: &ApiClient, person: &SmokeUser, until: Instant) -> Result<Value, CommandError> {
    let body = json!({ "username": person.name, "password": person.password.expose_secret() });
    let tokens: Value = retry_until(until, async || {
        let request = api
            .request(RemoteService::Auth, Method::POST, paths::auth::AUTHENTICATE)?
            .json(&body);
        send(RemoteService::Auth, request).await
    })
    .await?;
    let access = SecretString::from(text_at(&tokens, "/access_token"));
    let known: Value = retry_until(until, async || {
        let request = api.request(RemoteService::Users, Method::GET, paths::users::USER)?;
        send(RemoteService::Users, request.bearer_auth(access.expose_secret())).await
    })
    .await?;
    let expected = text_at(&tokens, "/user/id");
    let found = text_at(&known, "/id");
    if found.is_empty() || (!expected.is_empty() && found != expected) {
        return Err(CommandError::new(
            ErrorCode::Failed,
            format!(
                "auth signed {} in, and users knows somebody else by that token",
                printable(&person.name)
            ),
        ));
    }
    Ok(known)
}

/// Deletes the user who was created for this test. If `users` did not return the user before (`seen`), the account may
/// still be on its way, and the deletion is retried.
async fn delete_user(
    api: &ApiClient,
    person: &SmokeUser,
    until: Instant,
    seen: bool,
) -> Result<(), CommandError> {
    let Some(id) = &person.id else { return Ok(()) };
    let path = paths::fill(paths::users::SCIM_USER, &[id]);
    let retryable = |error: &ApiError| {
        let missing = matches!(error, ApiError::Refused { status, .. } if status.as_u16() == 404);
        is_transient(error) || (missing && !seen)
    };
    retry_while(until, retryable, async || {
        api.call(RemoteService::Users, Method::DELETE, &path)
            .await
            .map(|_| ())
    })
    .await
    .map_err(|error| {
        let name = printable(&person.name);
        error.hint(format!("{name} is still there: vestibule user delete {name}"))
    })
}

async fn send(service: RemoteService, request: reqwest::RequestBuilder) -> Result<Value, ApiError> {
    let response = request
        .send()
        .await
        .map_err(|error| ApiError::transport(service.name(), error))?;
    read_response(service, response).await
}

/// Retries until `until` while the error is transient.
async fn retry_until<T, F>(until: Instant, ask: impl FnMut() -> F) -> Result<T, CommandError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    retry_while(until, is_transient, ask).await
}

/// Retries until `until` while the error is `retryable`. No response is waited for longer than that.
async fn retry_while<T, F>(
    until: Instant,
    retryable: impl Fn(&ApiError) -> bool,
    mut ask: impl FnMut() -> F,
) -> Result<T, CommandError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    loop {
        let Ok(answer) = tokio::time::timeout_at(until.into(), ask()).await else {
            return Err(CommandError::new(
                ErrorCode::Unreachable,
                "no answer came in time",
            ));
        };
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) if retryable(&error) && Instant::now() + RETRY_INTERVAL < until => {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// True if an error may pass: services that have just been started cannot reach each other at first, and an
/// account may still be on its way.
fn is_transient(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { .. } => true,
        ApiError::Refused { status, .. } => status.is_server_error() || status.as_u16() == 429,
        ApiError::NoUrl(_) | ApiError::NoCredential | ApiError::InvalidResponse { .. } => false,
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
            retry_after: None,
        }
    }

    #[tokio::test]
    async fn what_passes_is_asked_again_and_what_stays_wrong_is_not() {
        let until = Instant::now() + Duration::from_secs(20);
        let mut asked = 0;
        let answer = retry_until(until, || {
            asked += 1;
            let answer = if asked == 1 { Err(refused(503)) } else { Ok(asked) };
            async move { answer }
        })
        .await;
        assert_eq!(answer.expect("an answer"), 2);
        let mut asked = 0;
        let answer: Result<(), CommandError> = retry_until(until, || {
            asked += 1;
            async { Err(refused(401)) }
        })
        .await;
        assert_eq!(
            (answer.expect_err("refused").code(), asked),
            (ErrorCode::Denied, 1)
        );
    }

    #[tokio::test]
    async fn nothing_is_waited_for_longer_than_was_asked() {
        let until = Instant::now() + Duration::from_millis(50);
        let answer: Result<(), CommandError> = retry_until(until, std::future::pending).await;
        assert_eq!(answer.expect_err("no answer").code(), ErrorCode::Unreachable);
    }
}
