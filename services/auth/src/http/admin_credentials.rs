//! `/admin/v1/users/{id}/credentials` and `/admin/v1/users/credentials`: import of password hashes that other systems made, and the
//! encrypted export of those that there are.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::http::{Json, Path, Problem, Query};
use chassis::secret::SecretString;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::credential_export::{CredentialExport, ExportError, MAX_PAGE};
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

/// The parameters of an export.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// The page begins behind this account. The first page has none.
    after: Option<Uuid>,
    /// The most accounts of the page: 1000 if it is left out, and at most.
    limit: Option<u16>,
}

/// A page of password hashes.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct CredentialPage {
    /// The credentials, in the order of the accounts. Accounts without a password are left out.
    credentials: Vec<ExportedCredential>,
    /// The account behind which the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// The credentials of one account.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ExportedCredential {
    /// The account.
    id: Uuid,
    /// The password hash in a form that an import accepts, encrypted to the keys of `passwords.export_recipients`: a file of age in
    /// its armor.
    encrypted_password_hash: String,
}

/// `GET /admin/v1/users/credentials`: exports password hashes, encrypted to the recipients of the configuration (SB-34).
pub(crate) async fn export(
    admin: Scoped<Admin>,
    State(export): State<CredentialExport>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(MAX_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid().field("limit", format!("expected 1 to {MAX_PAGE}")));
    }
    let found = match export.page(query.after.unwrap_or_default(), limit).await {
        Ok(found) => found,
        Err(ExportError::Db(error)) => return Err(error.into()),
        Err(error @ ExportError::Encryption(_)) => return Err(Problem::internal(&error)),
        Err(ExportError::NoRecipient) => {
            tracing::warn!(event.action = "credentials-exported", event.outcome = "failure", user.id = %admin.subject, "administrator was refused the export of password hashes");
            return Err(export_disabled());
        }
    };
    tracing::info!(event.action = "credentials-exported", event.outcome = "success", user.id = %admin.subject, credential.count = found.len(), "administrator exported password hashes");
    let next = found.last().map(|found| found.account);
    let page = CredentialPage {
        next: next.filter(|_| found.len() == usize::from(limit)),
        credentials: found
            .into_iter()
            .map(|found| ExportedCredential {
                id: found.account,
                encrypted_password_hash: found.hash,
            })
            .collect(),
    };
    let mut response = axum::Json(page).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn export_disabled() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "credential-export-disabled",
        "The export of password hashes is switched off",
    )
    .detail("Name the public keys that they are encrypted to in passwords.export_recipients of this service.")
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
