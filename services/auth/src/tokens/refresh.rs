//! Refresh tokens (RFC 6749 §6): rotation and the detection of reuse (RFC 9700 §4.14.2, SB-24). See
//! `docs/decisions/0004-refresh-token-rotation.md`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::{Token, TokenHash};
use oidc::assignment::Assignment;
use oidc::authorization_details::AuthorizationDetails;
pub use oidc::grant::RefreshRequest;
use oidc::grant::{
    ReuseDecision, RotatedToken, StoredGrant, User, narrow_grant, refresh_token_key, reuse_of_rotated_token,
    rotates_refresh_tokens,
};
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use serde_json::{Map, Value};

use super::model::{PRIVILEGED_SCOPES, invalid_grant, user};
use super::{GrantError, PendingTokens, Tokens};
use crate::assignments;
use crate::clients::Client;
use crate::grants::{self, GrantRow, RefreshRow};
use crate::subjects;
use uuid::Uuid;

/// The result of rotating a refresh token.
enum RefreshOutcome {
    /// Its successor, new or repeated.
    Successor(Token),
    /// The token was reused: it or its successor was stolen.
    Reused,
}

/// The result of a refresh request, before it is answered.
enum Refreshed {
    /// Tokens to sign, for these audiences.
    Issue(Box<PendingTokens>, Vec<Resource>),
    /// A refresh token of the grant was reused.
    Reused { grant_id: Uuid, subject: Uuid },
}

impl Tokens {
    /// Exchanges a refresh token for new tokens (RFC 6749 §6).
    ///
    /// # Errors
    /// `invalid_grant`, with the same sentence for every reason; `invalid_scope` and `invalid_target` when more
    /// is asked for than was granted.
    pub async fn refresh(
        &self,
        client: &Client,
        presented: &str,
        request: &RefreshRequest<'_>,
    ) -> Result<TokenResponse, GrantError> {
        self.check_key(client)?;
        let presented = Token::new(presented);
        let hash = presented.hash();
        if let Some(response) = self.refresh_bound(client, &hash, request).await? {
            return Ok(response);
        }
        let mut tx = self.db.begin_shared("refresh").await?;
        let refreshed = self
            .refresh_in(&mut tx, client, (&presented, &hash), request)
            .await;
        match tx.finish(refreshed).await? {
            Refreshed::Issue(pending, audiences) => self.sign(*pending, client, &audiences),
            Refreshed::Reused { grant_id, subject } => {
                self.grants
                    .revoke_reused(grant_id, subject, client.id.as_str())
                    .await?;
                Err(invalid_grant())
            }
        }
    }

    /// Rotates a refresh token.
    async fn refresh_in(
        &self,
        tx: &mut Tx,
        client: &Client,
        (presented, hash): (&Token, &TokenHash),
        request: &RefreshRequest<'_>,
    ) -> Result<Refreshed, GrantError> {
        let now = self.clock.now();
        let row = grants::find_refresh_token(tx, hash.as_bytes())
            .await?
            .ok_or_else(invalid_grant)?;
        let mut grant = grants::lock_grant(tx, row.grant_id, now)
            .await?
            .ok_or_else(invalid_grant)?;
        if client.metadata.is_public() && grant.dpop_jkt.is_none() {
            // On PostgreSQL the statement that waits for the lock reads other tables as they were before.
            grant.dpop_jkt = grants::bound_key(tx, grant.id).await?;
        }
        // A request that cannot succeed is rejected before the token is rotated. The token of a bound grant was rotated before
        // the grant was bound, perhaps at this moment by another request with the same proof key.
        let Narrowed {
            scope,
            audiences,
            groups,
            roles,
            claims,
            authorization_details,
            ..
        } = self.narrow(tx, &grant, client, request).await?;
        let confirmation = request.confirmation.clone();
        match rotate(tx, &grant, presented, hash, now).await? {
            RefreshOutcome::Reused => Ok(Refreshed::Reused {
                grant_id: grant.id,
                subject: grant.subject,
            }),
            RefreshOutcome::Successor(token) => {
                // RFC 9449 §5: a refresh token that a public client gets for a proof is bound to its key.
                let key = refresh_token_key(client.registered(), &confirmation);
                if let Some(key) = key.filter(|_| grant.dpop_jkt.is_none()) {
                    grants::bind_grant(tx, grant.id, &key).await?;
                }
                let pending = PendingTokens {
                    grant,
                    scope,
                    groups,
                    roles,
                    claims,
                    authorization_details,
                    // OpenID Connect Core §12.2: no nonce after the first ID token.
                    nonce: None,
                    confirmation,
                    refresh_token: Some(token),
                    now,
                };
                Ok(Refreshed::Issue(Box::new(pending), audiences))
            }
        }
    }

    /// Refreshes with a token that is bound to a key, and stays the same (RFC 9449 §5, RFC 8705 §4). It locks and writes nothing. Returns
    /// `None` for every other token.
    async fn refresh_bound(
        &self,
        client: &Client,
        hash: &TokenHash,
        request: &RefreshRequest<'_>,
    ) -> Result<Option<TokenResponse>, GrantError> {
        if request.confirmation.jkt.is_none() && client.registered().rotates_refresh_tokens() {
            return Ok(None);
        }
        let now = self.clock.now();
        let mut reader = self.db.reader().await?;
        let Some(row) = grants::find_refresh_token(&mut reader, hash.as_bytes()).await? else {
            return Ok(None);
        };
        let Some(grant) = grants::find_live(&mut reader, row.grant_id, now).await? else {
            return Ok(None);
        };
        let Narrowed {
            scope,
            audiences,
            groups,
            roles,
            claims,
            authorization_details,
            rotates: false,
        } = self.narrow(&mut reader, &grant, client, request).await?
        else {
            return Ok(None);
        };
        // The request that bound the grant may have rotated this token between the two reads.
        let row = grants::find_refresh_token(&mut reader, hash.as_bytes()).await?;
        if row.is_none_or(|row| row.rotated_at.is_some()) {
            return Ok(None);
        }
        drop(reader);
        let pending = PendingTokens {
            grant,
            scope,
            groups,
            roles,
            claims,
            authorization_details,
            nonce: None,
            confirmation: request.confirmation.clone(),
            // RFC 6749 §6: without another one the client goes on with the one that it has.
            refresh_token: None,
            now,
        };
        self.sign(pending, client, &audiences).map(Some)
    }

    /// Narrows a grant to what a request asks for.
    async fn narrow(
        &self,
        db: &mut impl Connection,
        grant: &GrantRow,
        client: &Client,
        request: &RefreshRequest<'_>,
    ) -> Result<Narrowed, GrantError> {
        let subject = subjects::find(db, grant.subject)
            .await?
            .filter(|subject| subject.active);
        let assignment = match &subject {
            Some(subject) => assignments::of_subject(db, client.registered(), subject).await?,
            None => Assignment::default(),
        };
        let stored = StoredGrant {
            client_id: &grant.client_id,
            scope: &grant.scope,
            audiences: &grant.audiences,
            default_audiences: self.issuer.audiences(),
            dpop_jkt: grant.dpop_jkt.as_deref(),
            user: subject.as_ref().map(|subject| User {
                assigned: assignment.assigned,
                ..user(subject)
            }),
        };
        let (scope, audiences) = narrow_grant(&stored, client.registered(), PRIVILEGED_SCOPES, request)?;
        let details = grant.details.as_ref().map(|details| &details.0);
        let allowed = (client.registered(), self.issuer.detail_types());
        let authorization_details = match details {
            Some(details) => details.of_token(allowed, request.details, &audiences)?,
            None => AuthorizationDetails::default().narrowed_to(request.details)?,
        };
        Ok(Narrowed {
            scope,
            audiences,
            authorization_details,
            rotates: rotates_refresh_tokens(&stored, client.registered()),
            claims: subject
                .as_ref()
                .map(|subject| self.id_token_claims(client, grant, subject))
                .unwrap_or_default(),
            groups: subject.map(|subject| subject.groups).unwrap_or_default(),
            roles: assignment.roles,
        })
    }
}

/// The scope, audiences, groups and roles that a refresh request gets, and the rotation of its tokens.
struct Narrowed {
    scope: Scope,
    audiences: Vec<Resource>,
    groups: Vec<String>,
    roles: Vec<String>,
    /// The single claims of the ID token.
    claims: Map<String, Value>,
    authorization_details: AuthorizationDetails,
    /// True if its refresh tokens rotate.
    rotates: bool,
}

/// Rotates a refresh token under the lock of its grant. Requests that present it at the same moment get the
/// same successor.
async fn rotate(
    tx: &mut Tx,
    grant: &GrantRow,
    presented: &Token,
    hash: &TokenHash,
    now: Timestamp,
) -> Result<RefreshOutcome, DbError> {
    let successor = successor(grant, presented);
    if grants::rotate(tx, hash, &successor.hash(), now).await? {
        grants::insert_refresh_token(tx, &successor.hash(), grant.id, now).await?;
        return Ok(RefreshOutcome::Successor(successor));
    }
    let Some(RefreshRow {
        rotated_at: Some(rotated_at),
        successor: Some(next),
        ..
    }) = grants::find_refresh_token(tx, hash.as_bytes()).await?
    else {
        return Ok(RefreshOutcome::Reused);
    };
    let unused = grants::find_refresh_token(tx, &next)
        .await?
        .is_some_and(|next| next.rotated_at.is_none());
    let stored = RotatedToken {
        rotated_ago: now.distance(rotated_at),
        successor_unused: unused && successor.hash().matches(&next),
    };
    Ok(match reuse_of_rotated_token(stored) {
        ReuseDecision::RepeatSuccessor => RefreshOutcome::Successor(successor),
        ReuseDecision::RevokeGrant => RefreshOutcome::Reused,
    })
}

/// The successor of `presented`. It is derived from the token and the grant's secret, so that the second of
/// two tabs gets the same successor although it is not stored.
fn successor(grant: &GrantRow, presented: &Token) -> Token {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &grant.rotation_secret);
    let tag = hmac::sign(&key, presented.expose().as_bytes());
    Token::new(URL_SAFE_NO_PAD.encode(tag))
}
