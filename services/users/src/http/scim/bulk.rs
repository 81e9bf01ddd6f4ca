//! `POST /scim/v2/Bulk`: bulk requests (RFC 7644 §3.7).

use std::time::Duration;

use axum::extract::{FromRef, FromRequest, Request, State};
use chassis::access::{AnyWrite, BoxFuture, GroupsWrite, UsersWrite};
use chassis::http::header::content_type;
use chassis::http::{BodyLimit, Problem, RawBody};
use http::StatusCode;
use scim::bulk::{BulkRequest, response};

use super::body::ScimResponse;
use super::refusal::Refusal;
use crate::bulk::{Bulk, BulkError, Permission, PermissionError, Rights};
use crate::delegations::Delegations;
use crate::http::caller::Authorized;
use crate::provisioning_clients::ProvisioningClients;
use crate::token_checks::TokenChecks;
use crate::users::Writer;

/// A bulk request, which has a limit of its own on its size.
#[derive(Debug)]
pub(crate) struct BulkBody(BulkRequest);

impl<S> FromRequest<S> for BulkBody
where
    S: Send + Sync,
    Bulk: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bulk = Bulk::from_ref(state);
        scim::check_media_type(content_type(request.headers()).as_deref())?;
        if let Some(limit) = request.extensions().get::<BodyLimit>() {
            limit.raise_if_authorized(u64::try_from(bulk.limits().max_payload_size).unwrap_or(u64::MAX));
        }
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        bulk.limits().check_payload(bytes.len())?;
        let body = scim::json::parse(&bytes)?;
        Ok(Self(BulkRequest::parse(&body, bulk.limits(), bulk.registry())?))
    }
}

/// `POST /scim/v2/Bulk`: many changes of users and groups at once (RFC 7644 §3.7). Each operation needs the scope that it would
/// need alone.
pub(crate) async fn run(
    (State(bulk), State(checks), State(clients), State(delegations)): (
        State<Bulk>,
        State<TokenChecks>,
        State<ProvisioningClients>,
        State<Delegations>,
    ),
    caller: Result<Authorized<AnyWrite>, Problem>,
    body: Result<BulkBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let caller = caller?;
    let BulkBody(request) = body?;
    let rights = Rights {
        users: caller.allows::<UsersWrite>(),
        groups: caller.allows::<GroupsWrite>(),
        // It is compared before each commit, once for all operations of the transaction.
        writer: Writer {
            authority: caller.writer.authority.clone().without_source(),
            ..caller.writer.clone()
        },
    };
    let permission = CallerPermission {
        caller,
        checks,
        clients,
        delegations,
    };
    let results = bulk.run(&request, (&rights, &permission)).await?;
    Ok(ScimResponse::new(StatusCode::OK, response(&results)))
}

/// The permission of the caller, whose token or client may be revoked, or delegation ended, while the request is run (SB-47).
struct CallerPermission {
    caller: Authorized<AnyWrite>,
    checks: TokenChecks,
    clients: ProvisioningClients,
    delegations: Delegations,
}

impl Permission for CallerPermission {
    fn check(&self) -> BoxFuture<'_, Result<(), PermissionError>> {
        Box::pin(async {
            let Self {
                caller,
                checks,
                clients,
                delegations,
            } = self;
            let Err(problem) = caller.check_again(checks, clients, delegations).await else {
                return Ok(());
            };
            let is_unchecked = problem.status().is_server_error();
            let error = Refusal::from(problem).into_error();
            // The rights of a delegated administrator may be smaller ones by now, which is 503 as well.
            match is_unchecked && caller.writer.authority.limits().is_none() {
                true => Err(PermissionError::Unchecked(error)),
                false => Err(PermissionError::Lost(error)),
            }
        })
    }
}

impl From<BulkError> for Refusal {
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Busy => Problem::unavailable(Duration::from_secs(1))
                .detail("Other bulk requests are being run; send it again.")
                .into(),
            BulkError::Db(error) => error.into(),
        }
    }
}
