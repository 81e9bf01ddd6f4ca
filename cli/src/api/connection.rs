//! The connection of a command: the URLs of the services and the credential.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::ApiError;
use crate::datadir::DataDir;
use crate::error::{CommandError, ErrorCode};
use crate::output::Format;

/// The services to reach: `--data` finds those of `vestibule up`; the URLs and a credential reach any others
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Where the services are")]
pub(crate) struct ConnectionArgs {
    /// Directory of `vestibule up`, which tells where the services are and holds the operator's credential
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".vestibule",
        env = "VESTIBULE_DATA",
        hide_env_values = true
    )]
    data: PathBuf,
    /// URL of the authentication service, instead of --data; needs --token or --client-id
    #[arg(long, value_name = "URL", env = "VESTIBULE_AUTH_URL", hide_env_values = true)]
    auth_url: Option<Url>,
    /// URL of the user service, instead of --data; needs --token or --client-id
    #[arg(long, value_name = "URL", env = "VESTIBULE_USERS_URL", hide_env_values = true)]
    users_url: Option<Url>,
    /// Access token; better given in the environment, where other users of the machine cannot see it
    #[arg(long, value_name = "TOKEN", env = "VESTIBULE_TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// Client that fetches its own tokens at --auth-url, instead of --token; needs --client-secret-file
    #[arg(
        long,
        value_name = "ID",
        env = "VESTIBULE_CLIENT_ID",
        hide_env_values = true,
        requires = "client_secret_file"
    )]
    client_id: Option<String>,
    /// File that holds the secret of --client-id
    #[arg(
        long,
        value_name = "FILE",
        env = "VESTIBULE_CLIENT_SECRET_FILE",
        hide_env_values = true
    )]
    client_secret_file: Option<PathBuf>,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// A service that is called over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RemoteService {
    /// The authentication service.
    Auth,
    /// The user service.
    Users,
}

impl RemoteService {
    /// `auth` or `users`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Users => "users",
        }
    }
}

/// The credential for the calls.
#[derive(Clone)]
pub(super) enum Credential {
    /// An access token that was obtained elsewhere.
    Token(SecretString),
    /// A client that fetches tokens (client credentials grant, RFC 6749 §4.4).
    Client { id: String, secret: SecretString },
    /// No credential, for public endpoints.
    None,
}

/// The URLs of both services, as far as they are known, and a credential.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(super) auth: Option<Url>,
    pub(super) users: Option<Url>,
    pub(super) credential: Credential,
    /// The URLs of the management ports, where the data directory of `vestibule up` has them.
    pub(crate) management: Option<[String; 2]>,
}

impl ConnectionArgs {
    /// The directory of `--data`.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// True if the command line names the services, so that no data directory is used.
    pub(crate) fn is_remote(&self) -> bool {
        self.auth_url.is_some() || self.users_url.is_some()
    }

    /// Resolves the URLs and the credential.
    ///
    /// # Errors
    /// When there is neither a data directory nor a URL, or a URL is not valid.
    pub(crate) fn connection(&self) -> Result<Connection, CommandError> {
        // The operator's secret is never sent to a URL from the command line: such a URL needs its own credential.
        if self.is_remote() {
            return Ok(self.remote(self.credential()?));
        }
        let operator = DataDir::open(&self.data)?.operator()?;
        Ok(Connection {
            auth: Some(parse_operator_url(&operator.auth_url)?),
            users: Some(parse_operator_url(&operator.users_url)?),
            credential: match self.token.clone() {
                Some(token) => Credential::Token(token),
                None => Credential::Client {
                    id: operator.client_id,
                    secret: operator.client_secret,
                },
            },
            management: Some([operator.auth_management_url, operator.users_management_url]),
        })
    }
}

impl ConnectionArgs {
    /// Resolves the URLs for calls that need no credential.
    ///
    /// # Errors
    /// As [`Self::connection`].
    pub(crate) fn unauthenticated_connection(&self) -> Result<Connection, CommandError> {
        match self.is_remote() {
            true => Ok(self.remote(Credential::None)),
            false => self.connection(),
        }
    }

    fn remote(&self, credential: Credential) -> Connection {
        Connection {
            auth: self.auth_url.clone(),
            users: self.users_url.clone(),
            credential,
            management: None,
        }
    }

    /// The credential that was given with the URLs: a token or a client.
    fn credential(&self) -> Result<Credential, CommandError> {
        let wrong = |problem: &str| CommandError::new(ErrorCode::Usage, problem);
        match (&self.token, &self.client_id, &self.client_secret_file) {
            (Some(token), ..) => Ok(Credential::Token(token.clone())),
            (None, Some(_), Some(_)) if self.auth_url.is_none() => Err(wrong(
                "--client-id needs --auth-url: that is where its tokens come from",
            )),
            (None, Some(id), Some(file)) => Ok(Credential::Client {
                id: id.clone(),
                secret: read_secret_file(file)?,
            }),
            _ => Err(wrong(
                "--auth-url and --users-url need --token, or --client-id with --client-secret-file",
            )),
        }
    }
}

/// Reads the secret in a file, without the end of the line.
///
/// # Errors
/// When the file cannot be read or is empty.
pub(crate) fn read_secret_file(file: &Path) -> Result<SecretString, CommandError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandError::new(ErrorCode::Usage, format!("cannot read {shown}: {error}")))?;
    match text.trim() {
        "" => Err(CommandError::new(ErrorCode::Usage, format!("{shown} is empty"))),
        secret => Ok(SecretString::from(secret.to_owned())),
    }
}

impl Connection {
    /// The URL of one service.
    pub(super) fn url(&self, service: RemoteService) -> Result<&Url, ApiError> {
        match service {
            RemoteService::Auth => self.auth.as_ref(),
            RemoteService::Users => self.users.as_ref(),
        }
        .ok_or(ApiError::NoUrl(service.name()))
    }
}

fn parse_operator_url(text: &str) -> Result<Url, CommandError> {
    Url::parse(text).map_err(|error| {
        CommandError::new(
            ErrorCode::Usage,
            format!("operator.json: {text:?} is no URL: {error}"),
        )
        .hint("`vestibule up` writes that file anew at every start.")
    })
}
