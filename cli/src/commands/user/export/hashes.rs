//! The password hashes of an export: `GET /admin/v1/users/credentials`, beside the users whose hashes they are. `auth` has encrypted
//! them, and nobody can read them here.

use std::collections::VecDeque;

use contract::paths;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::{ExportError, PATIENCE};
use crate::api::{ApiClient, RemoteService, retry, text_at};
use crate::error::{CommandError, ErrorCode};

/// The member of a credential and of a line that has the encrypted hash.
pub(super) const ENCRYPTED_HASH: &str = "encrypted_password_hash";

/// The encrypted hashes in the order of the accounts, page by page.
#[derive(Default)]
pub(super) struct Hashes {
    page: VecDeque<(Uuid, String)>,
    after: Option<Uuid>,
    ended: bool,
}

impl Hashes {
    /// The encrypted hash of an account, if it has one. Accounts are asked for in the order of their ids.
    ///
    /// # Errors
    /// When `auth` does not answer, or does not allow the export.
    pub(super) async fn of(&mut self, api: &ApiClient, account: Uuid) -> Result<Option<String>, ExportError> {
        loop {
            match self.page.front() {
                Some((id, _)) if *id < account => {
                    self.page.pop_front();
                }
                Some((id, _)) if *id == account => {
                    return Ok(self.page.pop_front().map(|(_, hash)| hash));
                }
                Some(_) => return Ok(None),
                None if self.ended => return Ok(None),
                None => self.read(api).await?,
            }
        }
    }

    async fn read(&mut self, api: &ApiClient) -> Result<(), ExportError> {
        let path = match self.after {
            Some(after) => format!("{}?after={after}", paths::auth::CREDENTIAL_BATCH),
            None => paths::auth::CREDENTIAL_BATCH.to_owned(),
        };
        let page = retry(PATIENCE, || api.call(RemoteService::Auth, Method::GET, &path)).await;
        let page = page.map_err(|error| {
            let status = error.status();
            let error = CommandError::from(error);
            ExportError::Command(match (status, error.code()) {
                (Some(StatusCode::FORBIDDEN), ErrorCode::Denied) => {
                    error.hint("auth exports hashes to the public keys in [passwords] export_recipients.")
                }
                _ => error,
            })
        })?;
        let credentials = page.get("credentials").and_then(Value::as_array);
        for credential in credentials.into_iter().flatten() {
            let Some(hash) = credential.get(ENCRYPTED_HASH).and_then(Value::as_str) else {
                let reason = format!("auth answered without {ENCRYPTED_HASH}: it is of another release");
                return Err(ExportError::Command(CommandError::new(ErrorCode::Failed, reason)));
            };
            if let Ok(id) = text_at(credential, "/id").parse() {
                self.page.push_back((id, hash.to_owned()));
            }
        }
        self.after = text_at(&page, "/next").parse().ok();
        self.ended = self.after.is_none();
        Ok(())
    }
}
