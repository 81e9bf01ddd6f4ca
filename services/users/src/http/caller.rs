//! Extractors of the caller: the user of an access token, and the permission that a route asks for.

mod authorized;

use axum::extract::FromRequestParts;
use chassis::access::{
    AccessToken, AnyRead, AnyWrite, GroupsRead, GroupsWrite, OpenId, Scheme, Scope, Scoped, UsersRead,
    UsersWrite, bearer_token, insufficient_scope,
};
use chassis::http::{AfterBody, BodyLimit, ClientInfo, Problem};
use chassis::telemetry::set_token_holder;
use contract::UserId;
use http::request::Parts;
use scim::schema::Accessor;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::app::SharedApp;
use crate::authority::Authority;
use crate::provisioning_clients::{self, AuthenticatedClient, ProvisioningClients, TokenRejected};
use crate::token_checks::{TokenChecks, TokenRefused, user_of};
use crate::users::Writer;

pub(crate) use authorized::{Administering, Authorized};

/// The time that a body may take without another check of its sender. What ends is heard of within seconds in any case.
const LATE: Duration = Duration::from_secs(1);

/// The user with a token of their own (scope `openid`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrentUser {
    /// The user: the `sub` of the token, nothing that the request says.
    pub(crate) id: UserId,
    /// The scheme that the token came with.
    pub(crate) scheme: Scheme,
}

impl FromRequestParts<SharedApp> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<OpenId>::from_request_parts(parts, app).await?.token;
        // Not when `auth` is away: a person's own data is served until the token expires.
        if app.token_checks.is_revoked(&token) {
            return Err(TokenRefused::no_longer_valid(&token).into());
        }
        let (checks, checked) = (app.token_checks.clone(), Arc::clone(&token));
        check_after_body(parts, app, move || {
            let refused = checks.is_revoked(&checked);
            let scheme = Scheme::of(&checked);
            async move {
                match refused {
                    true => Err(TokenRefused::NoLongerValid(scheme).into()),
                    false => Ok(()),
                }
            }
        });
        let scheme = Scheme::of(&token);
        user_of(&token).map(|id| Self { id, scheme }).ok_or_else(|| {
            Problem::forbidden("This needs the token of a person; the token is an application's.")
        })
    }
}

/// The access token of an application, or of an administrator, with the scope `S`, which is a privileged one. A token whose
/// grant or client is gone, and that of a user who was deactivated or deleted or administers no more, is refused though it
/// verifies (SB-47); all are refused with 503 while nobody can tell.
#[derive(Clone, Debug)]
pub(crate) struct Privileged<S> {
    scope: PhantomData<S>,
    token: Arc<AccessToken>,
}

impl<S> Privileged<S> {
    /// The `client_id` of an application that acts for itself; nothing when a person is behind it.
    fn client(&self) -> Option<&str> {
        self.token.is_of_client().then_some(self.token.client_id.as_str())
    }

    /// The kind of caller, by which the attributes are chosen that may be read and written.
    pub(crate) fn accessor(&self) -> Accessor {
        accessor_of(self.client())
    }
}

impl<S: Scope> FromRequestParts<SharedApp> for Privileged<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<S>::from_request_parts(parts, app).await?.token;
        app.token_checks.check_privileged(&token).await?;
        let (checks, checked) = (app.token_checks.clone(), Arc::clone(&token));
        check_after_body(parts, app, move || {
            let (checks, token) = (checks.clone(), Arc::clone(&checked));
            async move { Ok(checks.check_privileged(&token).await?) }
        });
        Ok(Self {
            scope: PhantomData,
            token,
        })
    }
}

/// Has the caller checked again when the body was read, if that took longer than [`LATE`]: the permission of the caller may have ended
/// meanwhile (SB-47).
fn check_after_body<F>(parts: &mut Parts, app: &SharedApp, check: impl Fn() -> F + Send + Sync + 'static)
where
    F: Future<Output = Result<(), Problem>> + Send + 'static,
{
    let (clock, checked_at) = (app.clock.clone(), app.clock.now());
    parts.extensions.insert(AfterBody::new(move || {
        let check = (clock.now().distance(checked_at) > LATE).then(&check);
        async move {
            match check {
                Some(check) => check.await,
                None => Ok(()),
            }
        }
    }));
}

/// A scope of the SCIM endpoints, at which provisioning tokens are accepted.
pub(crate) trait DirectoryScope: Scope {}

impl DirectoryScope for UsersRead {}
impl DirectoryScope for UsersWrite {}
impl DirectoryScope for GroupsRead {}
impl DirectoryScope for GroupsWrite {}
impl DirectoryScope for AnyRead {}
impl DirectoryScope for AnyWrite {}

/// A caller of SCIM with the scope `S`: a provisioning client with a token of this service, or as [`Privileged`].
#[derive(Clone, Debug)]
pub(crate) struct Directory<S> {
    scope: PhantomData<S>,
    /// The id of a provisioning client, or the `client_id` of an application that acts for itself; nothing when a person is
    /// behind it.
    pub(crate) client: Option<String>,
    holder: Holder,
}

/// The holder of a token for SCIM.
#[derive(Clone, Debug)]
enum Holder {
    AccessToken(Arc<AccessToken>),
    ProvisioningClient(AuthenticatedClient),
}

impl<S> Directory<S> {
    /// True if the token has another scope as well.
    pub(crate) fn allows<T: DirectoryScope>(&self) -> bool {
        match &self.holder {
            Holder::AccessToken(token) => T::is_in(token),
            Holder::ProvisioningClient(client) => T::is_among(|scope| client.allows(scope)),
        }
    }

    /// Checks again that the token may be used for what it was used for, in a request that takes long.
    ///
    /// # Errors
    /// 401 when the token was revoked or has expired, or its client was deleted or changed; 503 when nobody can tell.
    pub(crate) async fn check_again(
        &self,
        checks: &TokenChecks,
        clients: &ProvisioningClients,
    ) -> Result<(), Problem> {
        match &self.holder {
            Holder::AccessToken(token) => Ok(checks.check_privileged(token).await?),
            Holder::ProvisioningClient(client) => Ok(clients.check_again(client).await?),
        }
    }

    /// The caller as a writer of users and groups.
    pub(crate) fn writer(&self) -> Writer {
        Writer {
            accessor: self.accessor(),
            client: self.client.clone(),
            makes_administrators: self.client.is_none() || self.allows::<GroupsWrite>(),
            authority: Authority::EVERYBODY,
        }
    }

    /// The kind of caller, by which the attributes are chosen that may be read and written.
    pub(crate) fn accessor(&self) -> Accessor {
        accessor_of(self.client.as_deref())
    }
}

/// The kind of caller of a client that acts for itself, or of the person without one.
fn accessor_of(client: Option<&str>) -> Accessor {
    match client {
        Some(_) => Accessor::Client,
        None => Accessor::Administrator,
    }
}

impl<S: DirectoryScope> FromRequestParts<SharedApp> for Directory<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        if bearer_token(parts)?.is_some_and(provisioning_clients::has_prefix) {
            let client = provisioning_client::<S>(parts, app).await?;
            let (clients, checked) = (app.provisioning_clients.clone(), client.clone());
            check_after_body(parts, app, move || {
                let (clients, client) = (clients.clone(), checked.clone());
                async move { Ok(clients.check_again(&client).await?) }
            });
            return Ok(Self {
                scope: PhantomData,
                client: Some(client.id.to_string()),
                holder: Holder::ProvisioningClient(client),
            });
        }
        let caller = Privileged::<S>::from_request_parts(parts, app).await?;
        Ok(Self {
            scope: PhantomData,
            client: caller.client().map(str::to_owned),
            holder: Holder::AccessToken(caller.token),
        })
    }
}

/// The provisioning client whose token the request has.
async fn provisioning_client<S: Scope>(
    parts: &mut Parts,
    app: &SharedApp,
) -> Result<AuthenticatedClient, Problem> {
    let Ok(ClientInfo { ip, .. }) = ClientInfo::from_request_parts(parts, app).await;
    let client = app
        .provisioning_clients
        .authenticate(bearer_token(parts)?.unwrap_or_default(), ip)
        .await?;
    let id = client.id.to_string();
    // SB-52: as an application that acts for itself.
    set_token_holder(&id, &id);
    if !S::is_among(|scope| client.allows(scope)) {
        return Err(insufficient_scope(S::NAME));
    }
    // SB-43: from here on the body may be large.
    if let Some(limit) = parts.extensions.get::<BodyLimit>() {
        limit.allow_large_body();
    }
    Ok(client)
}

/// RFC 6750 §3.1: `invalid_token` is for a token that has expired or was revoked.
impl From<TokenRejected> for Problem {
    fn from(rejected: TokenRejected) -> Self {
        let detail = format!("{rejected}.");
        let detail = detail.replacen("the ", "The ", 1);
        match rejected {
            TokenRejected::NotFound | TokenRejected::Expired => {
                Self::unauthorized(r#"Bearer error="invalid_token""#).detail(detail)
            }
            TokenRejected::Source => Self::forbidden(detail),
            TokenRejected::Db(error) => error.into(),
        }
    }
}

/// The authentication service, with the scope `users:write`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registrar;

impl FromRequestParts<SharedApp> for Registrar {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let caller = Privileged::<UsersWrite>::from_request_parts(parts, app).await?;
        match app.token_checks.is_registrar(caller.client()) {
            true => Ok(Self),
            false => Err(Problem::forbidden(
                "Only the authentication service registers people; others use SCIM.",
            )),
        }
    }
}
