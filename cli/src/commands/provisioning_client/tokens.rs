//! `vestibule provisioning-client rotate` and `revoke-token`: the tokens of a client.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::json;

use super::ClientArgs;
use crate::api::text_at;
use crate::error::CommandError;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, key_value_list};

/// Issue another token to a provisioning client; the one before it stays valid until it is revoked
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule provisioning-client rotate 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --expires-in-days 180"
)]
pub(crate) struct Rotate {
    #[command(flatten)]
    client: ClientArgs,
    /// Life of the new token [default: the longest that the configuration allows]
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u16>,
}

/// Revoke a token of a provisioning client
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule provisioning-client revoke-token 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c \\\n    0199d2b9-1c2d-7e3f-8a4b-5c6d7e8f9a0b"
)]
pub(crate) struct RevokeToken {
    #[command(flatten)]
    client: ClientArgs,
    /// The token's id, as `provisioning-client show` prints it
    #[arg(value_name = "TOKEN_ID")]
    token_id: String,
}

impl Rotate {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let body = self
            .expires_in_days
            .map(|days| json!({ "expires_in_days": days }));
        let path = paths::users::PROVISIONING_TOKENS;
        let made = self.client.call(Method::POST, path, "", body.as_ref()).await?;
        if self.client.connection.output == Format::Json {
            return output::print_json(&made);
        }
        output::print_remark(
            "Keep the token now: it is not shown again. Revoke the one before it when it is not used any more.",
        );
        let pairs = [
            ("id", text_at(&made, "/id")),
            ("token", text_at(&made, "/token")),
            ("expires", text_at(&made, "/expires_at")),
        ];
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

impl RevokeToken {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let path = paths::users::PROVISIONING_TOKEN;
        self.client
            .call(Method::DELETE, path, &self.token_id, None)
            .await?;
        match self.client.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.token_id, "revoked": true })),
            Format::Table => output::print_line(format!("{} is revoked", printable(&self.token_id))),
        }
    }
}
