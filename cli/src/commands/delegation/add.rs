//! `vestibule delegation add`: delegates the administration of some people.

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::list::print_delegation;
use crate::api::{ApiClient, ConnectionArgs, RemoteService};
use crate::error::CommandError;

/// Delegate the administration of some people to a person, or to the members of a group
///
/// Reading them is always among the rights. The person needs a token with the scope directory:delegated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule delegation add --to-user 01980000-0000-7000-8000-000000000001 \\
    --users-matching 'userName sw \"guest-\"' --right write --right create
  vestibule delegation add --to-group 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c \\
    --members-of 0199d2b9-1c2d-7e3f-8a4b-5c6d7e8f9a0b --right manage_members")]
pub(crate) struct Add {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    extent: Extent,
    /// Right: write, create (with --users-matching), delete, manage_members (with --members-of) or set_password; may be given several
    /// times
    #[arg(long = "right", value_name = "RIGHT")]
    rights: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Holder {
    /// Person to whom it is given, by id
    #[arg(long, value_name = "ID")]
    to_user: Option<Uuid>,
    /// Group to whose members it is given, by id
    #[arg(long, value_name = "ID")]
    to_group: Option<Uuid>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Extent {
    /// Group whose members it is about, by id
    #[arg(long, value_name = "ID")]
    members_of: Option<Uuid>,
    /// SCIM filter of the people whom it is about (RFC 7644 §3.4.2.2)
    #[arg(long, value_name = "FILTER")]
    users_matching: Option<String>,
}

impl Add {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::users::DELEGATIONS;
        let body = self.body().into();
        let made = api
            .call_with(RemoteService::Users, Method::POST, path, &body)
            .await?;
        print_delegation(&made, self.connection.output)
    }

    fn body(&self) -> Map<String, Value> {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string().into());
        let members = [
            ("to_user", id(self.holder.to_user)),
            ("to_group", id(self.holder.to_group)),
            ("members_of", id(self.extent.members_of)),
            (
                "users_matching",
                self.extent.users_matching.as_deref().map(Value::from),
            ),
            ("rights", Some(json!(self.rights))),
        ];
        let given = members.into_iter();
        given
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
            .collect()
    }
}
