//! `/admin/v1/users/{id}/credentials` and `/admin/v1/users/credentials`: import of password hashes that other systems made.

use axum::extract::State;
use chassis::access::{Admin, Scoped};
use chassis::http::{Json, Path, Problem};
use chassis::secret::SecretString;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::credential_import::{
    CredentialImport, MAX_BATCH, NewCredential, ReplaceError, RowError, RowOutcome,
};

/// The credentials of an account.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCredentials {
    /// A password hash of argon2, bcrypt, scrypt, Firebase's scrypt, PBKDF2, SHA-crypt, an LDAP directory or phpass.
    #[schemars(with = "String")]
    password_hash: SecretString,
}

/// A batch of credentials.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialBatch {
    /// The rows, each of another account.
    #[schemars(length(max = MAX_BATCH))]
    credentials: Vec<CredentialRow>,
    /// Replaces the passwords that accounts have. Without it they stay.
    #[serde(default)]
    replace: bool,
}

/// The credentials of one account of a batch.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRow {
    /// The account.
    id: String,
    /// As in `PUT /admin/v1/users/{id}/credentials`.
    #[schemars(with = "String")]
    password_hash: SecretString,
}

/// The result of a batch.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct BatchResult {
    /// The number of rows that were imported.
    imported: usize,
    /// The number of rows whose account has a password that stays.
    unchanged: usize,
    /// The number of rows that were rejected.
    rejected: usize,
    /// The result of each row, in their order.
    results: Vec<RowResult>,
}

/// The result of a row.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct RowResult {
    #[schemars(extend("enum" = ["imported", "unchanged", "rejected"]))]
    status: &'static str,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["id", "password_hash"]))]
    field: Option<&'static str>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<RowOutcome> for RowResult {
    fn from(outcome: RowOutcome) -> Self {
        let (status, field, detail) = match outcome {
            RowOutcome::Imported => ("imported", None, None),
            RowOutcome::Unchanged => ("unchanged", None, None),
            RowOutcome::Rejected(error) => {
                let field = match error {
                    RowError::InvalidId | RowError::DuplicateId | RowError::NotFound => "id",
                    RowError::Hash(_) => "password_hash",
                };
                ("rejected", Some(field), Some(error.to_string()))
            }
        };
        Self {
            status,
            field,
            detail,
        }
    }
}

/// `PUT /admin/v1/users/{id}/credentials`: sets or replaces the password hash of an account.
pub(crate) async fn replace(
    admin: Scoped<Admin>,
    State(import): State<CredentialImport>,
    Path(id): Path<Uuid>,
    Json(new): Json<NewCredentials>,
) -> Result<StatusCode, Problem> {
    import
        .replace(id, &new.password_hash)
        .await
        .map_err(|error| match error {
            ReplaceError::Hash(error) => Problem::invalid().field("password_hash", error.to_string()),
            ReplaceError::NotFound => Problem::not_found(),
            ReplaceError::Db(error) => error.into(),
        })?;
    tracing::info!(event.action = "credential-imported", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, "administrator imported the password hash of a user");
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/v1/users/credentials`: imports a batch of password hashes.
pub(crate) async fn import(
    admin: Scoped<Admin>,
    State(import): State<CredentialImport>,
    Json(batch): Json<CredentialBatch>,
) -> Result<Json<BatchResult>, Problem> {
    if batch.credentials.len() > MAX_BATCH {
        return Err(Problem::invalid().field("credentials", format!("has more than {MAX_BATCH} rows")));
    }
    let rows: Vec<NewCredential> = batch
        .credentials
        .into_iter()
        .map(|row| NewCredential {
            id: row.id,
            password_hash: row.password_hash,
        })
        .collect();
    let outcomes = import.import(&rows, batch.replace).await?;
    let count = |wanted: fn(&RowOutcome) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
    let imported = count(|outcome| *outcome == RowOutcome::Imported);
    tracing::info!(event.action = "credentials-imported", event.outcome = "success", user.id = %admin.subject, credential.count = imported, "administrator imported password hashes");
    Ok(Json(BatchResult {
        imported,
        unchanged: count(|outcome| *outcome == RowOutcome::Unchanged),
        rejected: count(|outcome| matches!(outcome, RowOutcome::Rejected(_))),
        results: outcomes.into_iter().map(RowResult::from).collect(),
    }))
}
