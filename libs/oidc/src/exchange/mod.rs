//! Token exchange (RFC 8693): a service exchanges the access token that it was called with for one of its own, to call another
//! service for the same user. Delegation alone: the new token always names the actor (`act`, §4.1).

#[cfg(test)]
mod tests;

use secrecy::SecretString;

use crate::claims::{AccessTokenClaims, Actor};
use crate::client::RegisteredClient;
use crate::error::{ErrorCode, OAuthError};
use crate::grant::{User, narrow_audiences, registered_audiences};
use crate::introspection::may_introspect;
use crate::params::Params;
use crate::resource::Resource;
use crate::scope::Scope;
use crate::server::PrivilegedScopes;

/// The type of access tokens (RFC 8693 §3), which is the only one here.
pub const TYPE_ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The greatest number of actors in one token.
const MAX_ACTORS: usize = 8;

/// Scopes of the client that the user signed in to: an exchanged token has no refresh token.
const OFFLINE_ACCESS: &str = "offline_access";
const OPENID: &str = "openid";

/// A token exchange request (RFC 8693 §2.1).
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// `subject_token`: the access token of the user.
    pub subject_token: SecretString,
    /// `actor_token`: the access token of the acting party. Without it the client acts.
    pub actor_token: Option<SecretString>,
    /// `resource` and `audience`: the services that the new token is for.
    pub resources: Vec<Resource>,
    /// `scope`.
    pub scope: Option<Scope>,
}

impl ExchangeRequest {
    /// Parses the form.
    ///
    /// # Errors
    /// `invalid_request`, `invalid_scope`, `invalid_target` (RFC 8693 §2.2.2).
    pub fn parse(form: &Params) -> Result<Self, OAuthError> {
        let token = |name: &str| form.get(name).map(|value| SecretString::from(value.to_owned()));
        let subject_token = token("subject_token")
            .ok_or_else(|| ErrorCode::InvalidRequest.because("the parameter subject_token is missing"))?;
        check_type(form, "subject_token_type", true)?;
        let actor_token = token("actor_token");
        // RFC 8693 §2.1: the type is there if, and only if, the token is.
        if actor_token.is_none() && form.get("actor_token_type").is_some() {
            return Err(ErrorCode::InvalidRequest.because("actor_token_type is for an actor_token"));
        }
        check_type(form, "actor_token_type", actor_token.is_some())?;
        check_type(form, "requested_token_type", false)?;
        let names = form.all("resource").chain(form.all("audience"));
        Ok(Self {
            subject_token,
            actor_token,
            resources: names.map(Resource::parse).collect::<Result<Vec<_>, _>>()?,
            scope: form.get("scope").map(str::parse).transpose()?,
        })
    }
}

/// Checks a parameter with the type of a token.
fn check_type(form: &Params, name: &str, required: bool) -> Result<(), OAuthError> {
    match form.get(name) {
        Some(TYPE_ACCESS_TOKEN) => Ok(()),
        None if !required => Ok(()),
        _ => Err(ErrorCode::InvalidRequest.because(format!("{name} must be {TYPE_ACCESS_TOKEN}"))),
    }
}

/// The facts that an exchange is decided from. The tokens are verified, and the grant of the subject token is live.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The client that authenticated.
    pub client: RegisteredClient<'a>,
    /// The audiences of a client that is not registered for others.
    pub default_audiences: &'a [Resource],
    /// The issuer, which is an audience of tokens with `openid`.
    pub issuer: &'a str,
    /// The scopes that not everybody may grant.
    pub privileged: PrivilegedScopes<'a>,
    /// The claims of the subject token.
    pub subject: &'a AccessTokenClaims,
    /// The user whose token it is; `None` when they are not active.
    pub user: Option<User>,
    /// The claims of the actor token.
    pub actor: Option<&'a AccessTokenClaims>,
    /// `resource` and `audience`.
    pub resources: &'a [Resource],
    /// `scope`.
    pub scope: Option<&'a Scope>,
}

/// The content of an exchanged token.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchanged {
    /// The scope.
    pub scope: Scope,
    /// The audiences.
    pub audiences: Vec<Resource>,
    /// The actor, with the actors before it.
    pub act: Actor,
    /// The clients of the tokens before it: that of the grant first, that of the subject token last.
    pub client_chain: Vec<String>,
}

impl Exchange<'_> {
    /// Decides what the client gets: never more than the subject token has, than the client is registered for, and than the user
    /// may grant now.
    ///
    /// # Errors
    /// `invalid_request` for a token that cannot be exchanged, `invalid_target`, `invalid_scope` (RFC 8693 §2.2.2).
    pub fn decide(&self) -> Result<Exchanged, OAuthError> {
        let user = self
            .user
            .filter(|user| user.assigned && !self.subject.is_of_client());
        // A client that the token was not sent to has no business with it.
        let Some(user) = user.filter(|_| may_introspect(self.client, self.subject)) else {
            return Err(invalid_subject_token());
        };
        let audiences = self.audiences()?;
        let scope = self.scope(user, &audiences)?;
        Ok(Exchanged {
            scope,
            audiences,
            act: self.act()?,
            client_chain: self.client_chain(),
        })
    }

    /// The audiences that were asked for, or all that the subject token and the registration of the client have in common.
    fn audiences(&self) -> Result<Vec<Resource>, OAuthError> {
        let registered = registered_audiences(self.client, self.default_audiences);
        let is_of_subject = |resource: &&Resource| {
            let mut names = self.subject.aud.names();
            names.any(|audience| resource.matches(audience))
        };
        let reachable: Vec<Resource> = registered.iter().filter(is_of_subject).cloned().collect();
        let audiences = narrow_audiences(&reachable, self.resources).map_err(|_| invalid_target())?;
        if audiences.is_empty() {
            return Err(invalid_target());
        }
        Ok(audiences)
    }

    fn scope(&self, user: User, audiences: &[Resource]) -> Result<Scope, OAuthError> {
        let for_issuer = audiences.iter().any(|resource| resource.as_str() == self.issuer);
        let registered = &self.client.metadata.scope;
        let may_have = |token: &str| {
            self.subject.scope.contains(token)
                && registered.contains(token)
                && token != OFFLINE_ACCESS
                && (token != OPENID || for_issuer)
                && (user.administrator || !self.privileged.contains(token))
        };
        match self.scope.filter(|asked| !asked.is_empty()) {
            Some(asked) if asked.iter().all(may_have) => Ok(asked.clone()),
            Some(_) => Err(ErrorCode::InvalidScope
                .because("more is asked for than the subject token and the client have for these services")),
            // Privileges are never given unasked (SB-48).
            None => Ok(Scope::of(self.subject.scope.iter().filter(|token| {
                may_have(token) && !self.privileged.contains(token) && !self.privileged.is_of_users(token)
            }))?),
        }
    }

    fn client_chain(&self) -> Vec<String> {
        let mut chain = self.subject.client_chain.clone();
        if !chain.contains(&self.subject.client_id) {
            chain.push(self.subject.client_id.clone());
        }
        chain
    }

    /// The actor: the client, or the subject of its actor token, with the actors of the subject token in it (RFC 8693 §4.1).
    fn act(&self) -> Result<Actor, OAuthError> {
        let sub = match self.actor {
            None => self.client.client_id.to_owned(),
            // An actor token is the client's own, and names one actor.
            Some(actor) if actor.client_id == self.client.client_id && actor.act.is_none() => {
                actor.sub.clone()
            }
            Some(_) => {
                return Err(ErrorCode::InvalidRequest
                    .because("the actor_token is not one that was issued to this client for one actor"));
            }
        };
        let before = self.subject.act.clone();
        if before.as_ref().map_or(0, Actor::depth) >= MAX_ACTORS {
            return Err(ErrorCode::InvalidRequest.because("the subject_token has been exchanged too often"));
        }
        Ok(Actor {
            sub,
            act: before.map(Box::new),
        })
    }
}

/// `invalid_request` for a subject token (RFC 8693 §2.2.2). The description is the same for every reason.
pub fn invalid_subject_token() -> OAuthError {
    ErrorCode::InvalidRequest
        .because("the subject_token is not a valid access token of a user that this client was sent")
}

/// `invalid_request` for an actor token (RFC 8693 §2.2.2).
pub fn invalid_actor_token() -> OAuthError {
    ErrorCode::InvalidRequest.because("the actor_token is not a valid access token")
}

fn invalid_target() -> OAuthError {
    ErrorCode::InvalidTarget
        .because("the subject token is not for these services, or the client is not registered for them")
}
