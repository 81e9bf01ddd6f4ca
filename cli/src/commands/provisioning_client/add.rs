//! `vestibule provisioning-client add`: creates a client with its first token.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, key_value_list};

/// Create a provisioning client; prints the address of SCIM and, once, its token
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning-client add 'Entra ID' --scope users:read --scope users:write \\
    --scope groups:read --scope groups:write
  vestibule provisioning-client add Okta --expires-in-days 180 --network 203.0.113.0/24
  vestibule provisioning-client add 'HR report' --scope users:read
  vestibule provisioning-client add 'Entra ID' --id 0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3")]
pub(crate) struct Add {
    /// Name for people
    name: String,
    /// Scope: users:read, users:write, groups:read or groups:write; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", default_values = ["users:read", "users:write"])]
    scopes: Vec<String>,
    /// Network that its requests come from (CIDR); may be given several times [default: all]
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// Life of its token [default: the longest that the configuration allows]
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u16>,
    /// Id that the client has in another installation, whose users and groups are to be imported [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<Uuid>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Add {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let mut body = json!({ "name": self.name, "scopes": self.scopes, "networks": self.networks });
        if let (Some(days), Value::Object(members)) = (self.expires_in_days, &mut body) {
            members.insert("expires_in_days".to_owned(), days.into());
        }
        if let (Some(id), Value::Object(members)) = (self.id, &mut body) {
            members.insert("id".to_owned(), id.to_string().into());
        }
        let path = paths::users::PROVISIONING_CLIENTS;
        let made = api
            .call_with(RemoteService::Users, Method::POST, path, &body)
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&made);
        }
        output::print_remark("Keep the token now: it is not shown again.");
        let pairs = [
            ("id", text_at(&made, "/id")),
            (
                "SCIM URL",
                format!("{}{}", api.url(RemoteService::Users), paths::users::SCIM),
            ),
            ("token", text_at(&made, "/token")),
            ("expires", text_at(&made, "/tokens/0/expires_at")),
        ];
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: Add,
    }

    // SB-48
    #[test]
    fn scopes_for_groups_are_never_given_unasked() {
        let scopes = |arguments: &[&str]| {
            let line = Line::try_parse_from([&["x", "Okta"], arguments].concat());
            line.map(|line| line.add.scopes)
                .map_err(|error| error.to_string())
        };
        let plain = vec!["users:read".to_owned(), "users:write".to_owned()];
        assert_eq!(scopes(&[]), Ok(plain));
        assert_eq!(
            scopes(&["--scope", "groups:write"]),
            Ok(vec!["groups:write".to_owned()])
        );
    }
}
