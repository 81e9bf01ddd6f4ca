//! Authorization codes (RFC 6749 §4.1.2): hashed, valid for a minute at most, used once (SB-21).

use chassis::clock::Timestamp;
use chassis::db::Tx;
use chassis::secret::{Token, TokenHash};
use oidc::error::ErrorCode;
pub use oidc::grant::CodeRedemption;
use oidc::grant::{self, CodeDecision, StoredCode};
use oidc::pkce::CodeChallenge;
use oidc::token::TokenResponse;
use sqlx::types::Json;
use std::time::Duration;

use super::model::invalid_grant;
use super::{Grant, GrantError, Tokens};
use crate::clients::Client;
use crate::grants::MAX_CODE_LIFETIME;
use crate::grants::{self, CodeRow};

/// An authorization code to issue.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// The client.
    pub client: &'a Client,
    /// The grant that the code stands for.
    pub grant: Grant,
    /// The redirection URI that the code is sent to.
    pub redirect_uri: String,
    /// True if the request had a `redirect_uri`, which the client then has to repeat (RFC 6749 §4.1.3).
    pub redirect_uri_sent: bool,
    /// The code challenge (RFC 7636 §4.2).
    pub challenge: Option<CodeChallenge>,
}

impl Tokens {
    /// Issues an authorization code.
    ///
    /// # Errors
    /// `login_required` when the session has ended meanwhile.
    pub async fn issue_code(&self, new: NewCode<'_>) -> Result<Token, GrantError> {
        let code = self.random.token();
        let life = Duration::from_secs(u64::from(self.settings.code_seconds)).min(MAX_CODE_LIFETIME);
        let row = CodeRow {
            client_id: new.client.id.to_string(),
            subject: new.grant.subject,
            session_id: new.grant.session_id,
            redirect_uri: new.redirect_uri,
            redirect_uri_sent: new.redirect_uri_sent,
            scope: new.grant.scope.to_string(),
            audiences: Json(new.grant.audiences),
            nonce: new.grant.nonce,
            code_challenge: new.challenge.map(|challenge| challenge.as_str().to_owned()),
            auth_time: new.grant.auth_time,
            amr: Json(new.grant.amr),
            expires_at: self.clock.now() + life,
            grant_id: None,
        };
        let mut tx = self.db.begin("issue_code").await?;
        if !grants::insert_code(&mut tx, &code.hash(), &row).await? {
            return Err(ErrorCode::LoginRequired
                .because("the session has just ended")
                .into());
        }
        tx.commit().await?;
        Ok(code)
    }

    /// Exchanges a code for tokens. The reuse of a code revokes its grant (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// `invalid_grant`, with the same sentence for every reason; `invalid_target`.
    pub async fn redeem_code(
        &self,
        client: &Client,
        redeem: &CodeRedemption<'_>,
    ) -> Result<TokenResponse, GrantError> {
        let (hash, now) = (TokenHash::of(redeem.code), self.clock.now());
        let grant_id = self.random.uuid(&*self.clock);
        let client_id = client.id.as_str();
        let mut tx = self.db.begin("redeem_code").await?;
        let Some(row) = grants::consume_code(&mut tx, &hash, client_id, grant_id, now).await? else {
            return Err(self.refuse_code(tx, &hash, client_id, redeem).await?);
        };
        // A request that fails here does not use the code up, because the transaction ends without a commit.
        let (scope, audiences) = match grant::redeem_code(&stored_code(&row, false, now), client_id, redeem) {
            CodeDecision::Issue { scope, audiences } => (scope, audiences),
            CodeDecision::Refuse(error) => return Err(error.into()),
            CodeDecision::RevokeReused => return Err(invalid_grant()),
        };
        let grant = Grant {
            subject: row.subject,
            scope,
            audiences: row.audiences.0,
            session_id: row.session_id,
            auth_time: row.auth_time,
            amr: row.amr.0,
            nonce: row.nonce,
        };
        let pending = self.create_grant(&mut tx, client, grant_id, grant).await?;
        tx.commit().await?;
        self.sign(pending, client, &audiences)
    }

    /// Handles a code that could not be consumed. When it was used before, its grant is revoked.
    async fn refuse_code(
        &self,
        mut tx: Tx,
        hash: &TokenHash,
        client_id: &str,
        redeem: &CodeRedemption<'_>,
    ) -> Result<GrantError, GrantError> {
        let row = grants::find_code(&mut tx, hash).await?;
        drop(tx);
        if let Some(row) = row
            && let Some(grant_id) = row.grant_id
            && let CodeDecision::RevokeReused =
                grant::redeem_code(&stored_code(&row, true, self.clock.now()), client_id, redeem)
        {
            self.grants
                .revoke_reused(grant_id, row.subject, client_id)
                .await?;
        }
        Ok(invalid_grant())
    }
}

/// A code as the protocol sees it. `used` says whether another request has consumed it.
fn stored_code(row: &CodeRow, used: bool, now: Timestamp) -> StoredCode<'_> {
    StoredCode {
        client_id: &row.client_id,
        redirect_uri: &row.redirect_uri,
        redirect_uri_sent: row.redirect_uri_sent,
        code_challenge: row.code_challenge.as_deref(),
        scope: &row.scope,
        audiences: &row.audiences,
        expires_in: row.expires_at.left(now, MAX_CODE_LIFETIME),
        used,
    }
}
