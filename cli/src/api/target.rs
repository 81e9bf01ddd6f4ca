//! Which services a command talks to, and with which right.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::ApiError;
use crate::datadir::DataDir;
use crate::failure::{Code, Failure};
use crate::output::Format;

/// Where the services are: `--data` finds those of `vestibule up`; the URLs and a token reach any others
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Where the services are")]
pub(crate) struct Target {
    /// Directory of `vestibule up`, which tells where the services are and holds the operator's credential
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".vestibule",
        env = "VESTIBULE_DATA",
        hide_env_values = true
    )]
    data: PathBuf,
    /// URL of the authentication service, instead of --data; needs --token
    #[arg(
        long,
        value_name = "URL",
        env = "VESTIBULE_AUTH_URL",
        hide_env_values = true,
        requires = "token"
    )]
    auth_url: Option<Url>,
    /// URL of the user service, instead of --data; needs --token
    #[arg(
        long,
        value_name = "URL",
        env = "VESTIBULE_USERS_URL",
        hide_env_values = true,
        requires = "token"
    )]
    users_url: Option<Url>,
    /// Access token; better given in the environment, where other users of the machine cannot see it
    #[arg(long, value_name = "TOKEN", env = "VESTIBULE_TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// A service, as a command names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Side {
    /// The authentication service.
    Auth,
    /// The user service.
    Users,
}

impl Side {
    /// `auth` or `users`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Users => "users",
        }
    }
}

/// The right to call the services.
#[derive(Clone)]
pub(super) enum Credential {
    /// A token that somebody got elsewhere.
    Token(SecretString),
    /// The operator's client, which fetches tokens (RFC 6749 §4.4).
    Client { id: String, secret: SecretString },
}

/// Both services, as far as they are known, and a credential.
#[derive(Clone)]
pub(crate) struct Services {
    pub(super) auth: Option<Url>,
    pub(super) users: Option<Url>,
    pub(super) credential: Credential,
    /// The management ports, when `vestibule up` on this machine told them.
    pub(crate) management: Option<[String; 2]>,
}

impl Target {
    /// The directory of `--data`.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Whether the services were named on the command line, so that no data directory is involved.
    pub(crate) fn is_remote(&self) -> bool {
        self.auth_url.is_some() || self.users_url.is_some()
    }

    /// Finds the services.
    ///
    /// # Errors
    /// When there is no data directory and no URL, or what they hold is no URL.
    pub(crate) fn services(&self) -> Result<Services, Failure> {
        // The operator's secret never goes to a URL that somebody typed: URLs come with a token of their own.
        if self.is_remote() {
            let Some(token) = self.token.clone() else {
                return Err(Failure::new(
                    Code::Usage,
                    "--auth-url and --users-url need --token",
                ));
            };
            return Ok(Services {
                auth: self.auth_url.clone(),
                users: self.users_url.clone(),
                credential: Credential::Token(token),
                management: None,
            });
        }
        let operator = DataDir::open(&self.data)?.operator()?;
        Ok(Services {
            auth: Some(parse(&operator.auth_url)?),
            users: Some(parse(&operator.users_url)?),
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

impl Services {
    /// The URL of one service.
    pub(super) fn url(&self, side: Side) -> Result<&Url, ApiError> {
        match side {
            Side::Auth => self.auth.as_ref(),
            Side::Users => self.users.as_ref(),
        }
        .ok_or(ApiError::NoUrl(side.name()))
    }
}

fn parse(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| {
        Failure::new(Code::Usage, format!("operator.json: {text:?} is no URL: {error}"))
            .hint("`vestibule up` writes that file anew at every start.")
    })
}
