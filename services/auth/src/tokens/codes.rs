//! Authorization codes (RFC 6749 §4.1.2): hashed, valid for a minute at most, used once (SB-21).

use chassis::db::Tx;
use chassis::secret::{Token, TokenHash};
use oidc::error::ErrorCode;
use oidc::pkce::{CodeChallenge, CodeVerifier};
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use sqlx::types::Json;
use std::time::Duration;

use super::model::{invalid_grant, narrow_audiences};
use super::{Grant, GrantError, Tokens};
use crate::clients::Client;
use crate::grants::MAX_CODE_LIFETIME;
use crate::grants::store::{self, CodeRow};

/// An authorization code to issue.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// The client.
    pub client: &'a Client,
    /// What the code will grant.
    pub grant: Grant,
    /// The redirection URI that the code is sent to.
    pub redirect_uri: String,
    /// Whether the request had a `redirect_uri`, which the client then has to repeat (RFC 6749 §4.1.3).
    pub redirect_uri_sent: bool,
    /// The code challenge (RFC 7636 §4.2).
    pub challenge: Option<CodeChallenge>,
}

/// The parameters with which a client redeems a code (RFC 6749 §4.1.3).
#[derive(Debug)]
pub struct CodeRedemption<'a> {
    /// The code.
    pub code: &'a str,
    /// The `redirect_uri` of the request.
    pub redirect_uri: Option<&'a str>,
    /// The code verifier (RFC 7636 §4.1).
    pub verifier: Option<&'a CodeVerifier>,
    /// The requested resources, a subset of those of the code (RFC 8707 §2.2).
    pub resources: &'a [Resource],
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
        if !store::insert_code(&mut tx, &code.hash(), &row).await? {
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
        let hash = TokenHash::of(redeem.code);
        let grant_id = self.random.uuid(&*self.clock);
        let mut tx = self.db.begin("redeem_code").await?;
        let consumed =
            store::consume_code(&mut tx, &hash, client.id.as_str(), grant_id, self.clock.now()).await?;
        let Some(row) = consumed else {
            return Err(self.handle_code_reuse(tx, &hash, client).await?);
        };
        // A request that fails here does not use the code up, because the transaction ends without a commit.
        if !binding_matches(&row, redeem) {
            return Err(invalid_grant());
        }
        let audiences = narrow_audiences(&row.audiences, redeem.resources)?;
        let grant = Grant {
            subject: row.subject,
            scope: row.scope.parse::<Scope>().map_err(|_| invalid_grant())?,
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

    /// Handles a code that could not be consumed. When it was used before, its grant is revoked (RFC 6749
    /// §4.1.2).
    async fn handle_code_reuse(
        &self,
        mut tx: Tx,
        hash: &TokenHash,
        client: &Client,
    ) -> Result<GrantError, GrantError> {
        let row = store::find_code(&mut tx, hash).await?;
        drop(tx);
        if let Some((given, subject)) = row
            .filter(|row| row.client_id == client.id.as_str())
            .and_then(|row| Some((row.grant_id?, row.subject)))
        {
            self.grants
                .revoke_reused(given, subject, client.id.as_str())
                .await?;
        }
        Ok(invalid_grant())
    }
}

/// Whether the redirection URI and the PKCE verifier match those of the authorization request. A verifier for
/// a code without a challenge does not match, because an attacker may have removed the challenge (RFC 9700
/// §4.8.2).
fn binding_matches(row: &CodeRow, redeem: &CodeRedemption<'_>) -> bool {
    let redirect_uri_matches = match redeem.redirect_uri {
        Some(uri) => uri == row.redirect_uri,
        None => !row.redirect_uri_sent,
    };
    let challenge = row.code_challenge.as_deref().and_then(CodeChallenge::parse);
    let challenge_matches = match (challenge, redeem.verifier) {
        (Some(challenge), Some(verifier)) => challenge.accepts(verifier),
        (None, None) => row.code_challenge.is_none(),
        _ => false,
    };
    redirect_uri_matches && challenge_matches
}
