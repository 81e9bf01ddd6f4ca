//! Extractors of the caller: the user of an access token, and the permission that a route asks for.

use axum::extract::FromRequestParts;
use chassis::access::{OpenId, Scope, Scoped, UsersWrite};
use chassis::http::Problem;
use contract::UserId;
use http::request::Parts;
use scim::schema::Accessor;

use crate::app::SharedApp;
use crate::token_checks::{TokenRefused, user_of};

/// The user with a token of their own (scope `openid`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrentUser {
    /// The user: the `sub` of the token, nothing that the request says.
    pub(crate) id: UserId,
}

impl FromRequestParts<SharedApp> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<OpenId>::from_request_parts(parts, app).await?.token;
        // Not when `auth` is away: a person's own data is served until the token expires.
        if app.token_checks.is_revoked(&token) {
            return Err(TokenRefused::NoLongerValid.into());
        }
        user_of(&token).map(|id| Self { id }).ok_or_else(|| {
            Problem::forbidden("This needs the token of a person; the token is an application's.")
        })
    }
}

/// An application, or an administrator, with the scope `S`, which is a privileged one. A token whose grant or client is
/// gone, and that of a user who was deactivated or deleted or administers no more, is refused though it verifies
/// (SB-47); all are refused with 503 while nobody can tell.
#[derive(Clone, Debug)]
pub(crate) struct Directory<S> {
    scope: std::marker::PhantomData<S>,
    /// The `client_id` of an application that acts for itself; nothing when a person is behind it.
    pub(crate) client: Option<String>,
}

impl<S> Directory<S> {
    /// The kind of caller, by which the attributes are chosen that may be read and written.
    pub(crate) fn accessor(&self) -> Accessor {
        match self.client {
            Some(_) => Accessor::Client,
            None => Accessor::Administrator,
        }
    }
}

impl<S: Scope> FromRequestParts<SharedApp> for Directory<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<S>::from_request_parts(parts, app).await?.token;
        app.token_checks.check_privileged(&token).await?;
        Ok(Self {
            scope: std::marker::PhantomData,
            client: token.is_of_client().then(|| token.client_id.clone()),
        })
    }
}

/// The authentication service, with the scope `users:write`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registrar;

impl FromRequestParts<SharedApp> for Registrar {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let caller = Directory::<UsersWrite>::from_request_parts(parts, app).await?;
        match app.token_checks.is_registrar(caller.client.as_deref()) {
            true => Ok(Self),
            false => Err(Problem::forbidden(
                "Only the authentication service registers people; others use SCIM.",
            )),
        }
    }
}
