//! Refresh tokens (RFC 6749 §6): rotation and the detection of reuse (RFC 9700 §4.14.2, SB-24). See
//! `docs/decisions/0004-refresh-token-rotation.md`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::secret::{Token, TokenHash};
use oidc::grant::{
    RefreshRequest, ReuseDecision, RotatedToken, StoredGrant, narrow_grant, reuse_of_rotated_token,
};
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;

use super::model::{PRIVILEGED_SCOPES, invalid_grant, user};
use super::{GrantError, PendingTokens, Tokens};
use crate::clients::Client;
use crate::grants::{self, GrantRow, RefreshRow};
use crate::subjects;

/// The result of rotating a refresh token.
enum RefreshOutcome {
    /// Its successor, new or repeated.
    Successor(Token),
    /// The token was reused: it or its successor was stolen.
    Reused,
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
        asked: Option<&Scope>,
        resources: &[Resource],
    ) -> Result<TokenResponse, GrantError> {
        let presented = Token::new(presented);
        let hash = presented.hash();
        let now = self.clock.now();
        let mut tx = self.db.begin("refresh").await?;
        let row = grants::find_refresh_token(&mut tx, hash.as_bytes())
            .await?
            .ok_or_else(invalid_grant)?;
        let grant = grants::lock_grant(&mut tx, row.grant_id, now)
            .await?
            .ok_or_else(invalid_grant)?;
        // A request that cannot succeed is rejected before the token is rotated.
        let subject = subjects::find(&mut tx, grant.subject)
            .await?
            .filter(|subject| subject.active);
        let stored = StoredGrant {
            client_id: &grant.client_id,
            scope: &grant.scope,
            audiences: &grant.audiences,
            user: subject.as_ref().map(user),
        };
        let request = RefreshRequest {
            scope: asked,
            resources,
        };
        let (scope, audiences) = narrow_grant(&stored, client.registered(), PRIVILEGED_SCOPES, &request)?;
        let groups = subject.map(|subject| subject.groups).unwrap_or_default();
        match rotate(&mut tx, &grant, &presented, &hash, now).await? {
            RefreshOutcome::Reused => {
                drop(tx);
                self.grants
                    .revoke_reused(grant.id, grant.subject, client.id.as_str())
                    .await?;
                Err(invalid_grant())
            }
            RefreshOutcome::Successor(token) => {
                tx.commit().await?;
                let pending = PendingTokens {
                    grant,
                    scope,
                    groups,
                    // OpenID Connect Core §12.2: no nonce after the first ID token.
                    nonce: None,
                    refresh_token: Some(token),
                    now,
                };
                self.sign(pending, client, &audiences)
            }
        }
    }
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
