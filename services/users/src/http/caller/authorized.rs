//! Callers by what is delegated to a person (`docs/decisions/0047-delegated-administrators.md`), or by the scopes of their token.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, Bearer, Scope, bearer_token};
use chassis::http::{BodyLimit, Problem};
use contract::scopes::DELEGATED;
use http::request::Parts;
use scim::schema::Accessor;

use super::{Directory, DirectoryScope, Privileged, check_after_body};
use crate::app::SharedApp;
use crate::authority::Authority;
use crate::delegations::Delegations;
use crate::provisioning_clients::{self, ProvisioningClients};
use crate::token_checks::TokenChecks;
use crate::users::Writer;

/// A caller of SCIM with the scope `S`, as [`Directory`], or a person to whom something is delegated, with the scope
/// [`DELEGATED`]. A handler that takes it hands the writer, with its authority, to its use case.
#[derive(Clone, Debug)]
pub(crate) struct Authorized<S> {
    pub(crate) writer: Writer,
    ground: Ground<S>,
}

/// The ground on which a caller of SCIM acts.
#[derive(Clone, Debug)]
enum Ground<S> {
    /// The scopes of its token.
    Scopes(Directory<S>),
    /// The delegations to the person whose token it is.
    Delegation(Arc<AccessToken>),
}

impl<S> Authorized<S> {
    /// True if the caller may do what another scope is for, to whatever its authority has.
    pub(crate) fn allows<T: DirectoryScope>(&self) -> bool {
        match &self.ground {
            Ground::Scopes(directory) => directory.allows::<T>(),
            Ground::Delegation(_) => true,
        }
    }

    /// As [`Directory::check_again`]. The delegations have to be those of the beginning of the request.
    ///
    /// # Errors
    /// Also 403 when nothing is delegated any more, and 503 when the delegations are others.
    pub(crate) async fn check_again(
        &self,
        checks: &TokenChecks,
        clients: &ProvisioningClients,
        delegations: &Delegations,
    ) -> Result<(), Problem> {
        let token = match &self.ground {
            Ground::Scopes(directory) => return directory.check_again(checks, clients).await,
            Ground::Delegation(token) => token,
        };
        let authority = checks.check_delegated(token, delegations).await?;
        check_unchanged(authority, &self.writer.authority)
    }
}

/// Checks that what is delegated is what it was at the beginning of the request.
fn check_unchanged(now: Option<Authority>, before: &Authority) -> Result<(), Problem> {
    match now.ok_or_else(nothing_delegated)? == *before {
        true => Ok(()),
        false => Err(Problem::unavailable(Duration::from_secs(1))
            .detail("What is delegated was changed meanwhile; send the rest again.")),
    }
}

impl<S: DirectoryScope> FromRequestParts<SharedApp> for Authorized<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        if let Some((token, authority)) = delegated::<S>(parts, app).await? {
            return Ok(Self {
                writer: Writer {
                    accessor: Accessor::Administrator,
                    client: None,
                    makes_administrators: false,
                    authority,
                },
                ground: Ground::Delegation(token),
            });
        }
        let directory = Directory::<S>::from_request_parts(parts, app).await?;
        Ok(Self {
            writer: directory.writer(),
            ground: Ground::Scopes(directory),
        })
    }
}

fn nothing_delegated() -> Problem {
    Problem::forbidden("Nothing is delegated to this person.")
}

/// A caller of the administration of users with the scope `S`, as [`Privileged`], or a person to whom something is delegated, as
/// [`Authorized`]. Provisioning tokens are for SCIM alone.
#[derive(Clone, Debug)]
pub(crate) struct Administering<S> {
    scope: PhantomData<S>,
    pub(crate) authority: Authority,
}

impl<S: Scope> FromRequestParts<SharedApp> for Administering<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let authority = match delegated::<S>(parts, app).await? {
            Some((_, authority)) => authority,
            None => {
                Privileged::<S>::from_request_parts(parts, app).await?;
                Authority::EVERYBODY
            }
        };
        Ok(Self {
            scope: PhantomData,
            authority,
        })
    }
}

/// The authority of a person by what is delegated to them; `None` for a token without the scope for that, or with the scope
/// `S` of a person who administers.
async fn delegated<S: Scope>(
    parts: &mut Parts,
    app: &SharedApp,
) -> Result<Option<(Arc<AccessToken>, Authority)>, Problem> {
    if bearer_token(parts)?.is_some_and(provisioning_clients::has_prefix) {
        return Ok(None);
    }
    let token = Bearer::from_request_parts(parts, app).await?.0;
    if token.is_of_client() || !token.allows(DELEGATED) {
        return Ok(None);
    }
    if S::is_in(&token) && app.token_checks.check_privileged(&token).await.is_ok() {
        return Ok(None);
    }
    let authority = app.token_checks.check_delegated(&token, &app.delegations).await?;
    let authority = authority.ok_or_else(nothing_delegated)?;
    // A change reads the authority again under its locks; a search has the one of the beginning. None knows of the token.
    let (checks, delegations, checked) = (
        app.token_checks.clone(),
        app.delegations.clone(),
        Arc::new((Arc::clone(&token), authority.clone())),
    );
    check_after_body(parts, app, move || {
        let (checks, delegations, checked) = (checks.clone(), delegations.clone(), Arc::clone(&checked));
        async move {
            let (token, before) = &*checked;
            check_unchanged(checks.check_delegated(token, &delegations).await?, before)
        }
    });
    // SB-43: from here on the body may be large.
    if let Some(limit) = parts.extensions.get::<BodyLimit>() {
        limit.allow_large_body();
    }
    Ok(Some((token, authority)))
}
