//! The authorization code grant at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.6).

use std::fmt;
use std::time::Duration;

use super::{Granted, invalid_grant};
use crate::authorization_details::AuthorizationDetails;
use crate::client::RegisteredClient;
use crate::dpop::Confirmation;
use crate::error::OAuthError;
use crate::pkce::{CodeChallenge, CodeVerifier};
use crate::resource::Resource;
use crate::scope::Scope;

/// An authorization code as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredCode<'a> {
    /// The client that it was issued to.
    pub client_id: &'a str,
    /// The redirect URI that it was sent to.
    pub redirect_uri: &'a str,
    /// True if the authorization request had a `redirect_uri`.
    pub redirect_uri_sent: bool,
    /// `code_challenge` of the authorization request.
    pub code_challenge: Option<&'a str>,
    /// `dpop_jkt` of the authorization request (RFC 9449 §10).
    pub dpop_jkt: Option<&'a str>,
    /// The granted scope.
    pub scope: &'a str,
    /// The granted audiences.
    pub audiences: &'a [Resource],
    /// The audiences of a client that is registered for none.
    pub default_audiences: &'a [Resource],
    /// The rest of its life; zero when it has expired.
    pub expires_in: Duration,
    /// True if another request has used it before.
    pub used: bool,
}

/// The parameters with which a client redeems a code (RFC 6749 §4.1.3).
#[derive(Clone, Copy)]
pub struct CodeRedemption<'a> {
    /// The code, by which the caller finds the stored one.
    pub code: &'a str,
    /// `redirect_uri` of the authorization request.
    pub redirect_uri: Option<&'a str>,
    /// `code_verifier` (RFC 7636 §4.1).
    pub verifier: Option<&'a CodeVerifier>,
    /// The proof that the sender of the request has given.
    pub confirmation: &'a Confirmation,
    /// `resource`: a subset of the audiences of the code (RFC 8707 §2.2).
    pub resources: &'a [Resource],
    /// `authorization_details`: a subset of those of the code (RFC 9396 §6).
    pub details: Option<&'a AuthorizationDetails>,
}

impl fmt::Debug for CodeRedemption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeRedemption")
            .field("redirect_uri", &self.redirect_uri)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

/// The decision on a code that is presented.
#[derive(Clone, Debug, PartialEq)]
pub enum CodeDecision {
    /// The client gets tokens.
    Issue {
        /// The scope of the grant.
        scope: Scope,
        /// The audiences of this access token.
        audiences: Vec<Resource>,
    },
    /// The code was used before: its grant is revoked and the client gets [`invalid_grant`] (RFC 6749 §4.1.2).
    RevokeReused,
    /// The client gets an error, and the code stays as it is.
    Refuse(OAuthError),
}

/// Decides whether a code is redeemed for the client that authenticated. A code of another client is refused as an unknown one:
/// only its own client can reveal its reuse. The tokens have what the client is still registered for of the scope and the
/// audiences of the code (SB-47).
pub fn redeem_code(
    code: &StoredCode<'_>,
    client: RegisteredClient<'_>,
    request: &CodeRedemption<'_>,
) -> CodeDecision {
    if code.client_id != client.client_id {
        return CodeDecision::Refuse(invalid_grant());
    }
    if code.used {
        return CodeDecision::RevokeReused;
    }
    if code.expires_in.is_zero() || !binding_matches(code, request) {
        return CodeDecision::Refuse(invalid_grant());
    }
    let granted = Granted {
        scope: code.scope,
        audiences: code.audiences,
        default_audiences: code.default_audiences,
    };
    match granted.narrowed(client, request.resources) {
        Ok((scope, audiences)) => CodeDecision::Issue { scope, audiences },
        Err(error) => CodeDecision::Refuse(error),
    }
}

/// True if the redirect URI, the PKCE verifier and the key of the DPoP proof match those of the authorization request. A
/// verifier for a code without a challenge does not match, because an attacker may have removed the challenge (RFC 9700
/// §4.8.2).
fn binding_matches(code: &StoredCode<'_>, request: &CodeRedemption<'_>) -> bool {
    let redirect_uri_matches = match request.redirect_uri {
        Some(uri) => uri == code.redirect_uri,
        None => !code.redirect_uri_sent,
    };
    let challenge = code.code_challenge.and_then(CodeChallenge::parse);
    let challenge_matches = match (challenge, request.verifier) {
        (Some(challenge), Some(verifier)) => challenge.accepts(verifier),
        (None, None) => code.code_challenge.is_none(),
        _ => false,
    };
    let key_matches = code.dpop_jkt.is_none() || code.dpop_jkt == request.confirmation.jkt.as_deref();
    redirect_uri_matches && challenge_matches && key_matches
}
