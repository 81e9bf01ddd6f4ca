//! Authorization codes (RFC 6749 §4.1.2): hashed, valid for a minute at most, used once (SB-21).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::db::{DbError, Tx};
use chassis::secret::{Token, TokenHash};
use oidc::consent::AllowedAccess;
use oidc::error::ErrorCode;
pub use oidc::grant::CodeRedemption;
use oidc::grant::{self, CodeDecision, StoredCode};
use oidc::pkce::CodeChallenge;
use oidc::resource::Resource;
use oidc::token::TokenResponse;
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

use super::model::{invalid_grant, stored_details};
use super::{Grant, GrantError, PendingTokens, Tokens};
use crate::clients::Client;
use crate::consents;
use crate::grants::MAX_CODE_LIFETIME;
use crate::grants::{self, CodeConditions, CodeRow};
use crate::logouts;
use crate::subjects;

/// The most times that a consent is read again because it changes at that moment.
const MAX_CONSENTS_READ: usize = 3;

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
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// The consent that the code is issued by, if the client needs one.
    pub consent: Option<CodeConsent>,
    /// The code of a saved request: see [`Tokens::codes_of_request`]. Without it the code is random.
    pub code: Option<Token>,
}

/// The consent that a code is issued by.
#[derive(Clone, Debug)]
pub struct CodeConsent {
    /// The stored consent, as it was read.
    pub stored: AllowedAccess,
    /// The access that it has to cover.
    pub needed: AllowedAccess,
}

impl Tokens {
    /// The codes that the saved authorization request with this handle may have: one for each encryption key of the configuration,
    /// that of the current one first. The handle alone does not tell them.
    pub(crate) fn codes_of_request(&self, handle: &Token) -> Vec<Token> {
        let secrets = self.keys.derive("codes of saved authorization requests");
        let code = |secret: [u8; 32]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            let tag = hmac::sign(&key, handle.expose().as_bytes());
            Token::new(URL_SAFE_NO_PAD.encode(tag))
        };
        secrets.into_iter().map(code).collect()
    }

    /// Issues an authorization code in the transaction of the caller.
    ///
    /// # Errors
    /// `login_required` when the session has ended meanwhile, the consent was withdrawn, or the client was deleted.
    pub async fn issue_code(&self, tx: &mut Tx, new: NewCode<'_>) -> Result<Token, GrantError> {
        self.check_key(new.client)?;
        let code = new.code.unwrap_or_else(|| self.random.token());
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
            dpop_jkt: new.dpop_jkt,
            details: stored_details(new.grant.details),
            auth_time: new.grant.auth_time,
            amr: Json(new.grant.amr),
            expires_at: self.clock.now() + life,
            grant_id: None,
        };
        let client = new.client.aggregate_id;
        if !insert_code(tx, &code.hash(), &row, client, new.consent).await? {
            return Err(ErrorCode::LoginRequired
                .because("the session, the consent or the registration of the client has just ended")
                .into());
        }
        if let Some(session) = row.session_id
            && new.client.metadata.has_logout_uri()
        {
            logouts::note_client(tx, session, &row.client_id).await?;
        }
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
        self.check_key(client)?;
        let hash = TokenHash::of(redeem.code);
        let mut tx = self.db.begin_shared("redeem_code").await?;
        let redeemed = self.redeem_code_in(&mut tx, &hash, client, redeem).await;
        match tx.finish(redeemed).await? {
            Some((pending, audiences)) => self.sign(pending, client, &audiences),
            None => Err(self.refuse_code(&hash, client, redeem).await?),
        }
    }

    /// Consumes a code and creates its grant. `None` when the code cannot be consumed.
    async fn redeem_code_in(
        &self,
        tx: &mut Tx,
        hash: &TokenHash,
        client: &Client,
        redeem: &CodeRedemption<'_>,
    ) -> Result<Option<(PendingTokens, Vec<Resource>)>, GrantError> {
        let grant_id = self.random.uuid(&*self.clock);
        let (client_id, now) = (client.id.as_str(), self.clock.now());
        let Some(consumed) = grants::consume_code(tx, hash, client_id, grant_id, now).await? else {
            return Ok(None);
        };
        let (row, state) = (consumed.code, consumed.state);
        // A request that fails here does not use the code up, because the transaction ends without a commit.
        let (scope, audiences) =
            match grant::redeem_code(&self.stored_code(&row, false), client.registered(), redeem) {
                CodeDecision::Issue { scope, audiences } => (scope, audiences),
                CodeDecision::Refuse(error) => return Err(error.into()),
                CodeDecision::RevokeReused => return Err(invalid_grant()),
            };
        let details = row.details.map(|details| details.0).unwrap_or_default();
        let allowed = (client.registered(), self.issuer.detail_types());
        let authorization_details = details.of_token(allowed, redeem.details, &audiences)?;
        let grant = Grant {
            subject: row.subject,
            scope,
            audiences: row.audiences.0,
            session_id: row.session_id,
            auth_time: row.auth_time,
            amr: row.amr.0,
            nonce: row.nonce,
            details,
            confirmation: redeem.confirmation.clone(),
        };
        let subject = match state {
            Some(state) => subjects::of_state(tx, state.0).await?,
            None => return Err(invalid_grant()),
        };
        let mut pending = self
            .create_grant_for(tx, client, grant_id, grant, subject)
            .await?;
        pending.authorization_details = authorization_details;
        Ok(Some((pending, audiences)))
    }

    /// Handles a code that could not be consumed. When it was used before, its grant is revoked.
    async fn refuse_code(
        &self,
        hash: &TokenHash,
        client: &Client,
        redeem: &CodeRedemption<'_>,
    ) -> Result<GrantError, GrantError> {
        let row = grants::find_code(&mut self.db.reader().await?, hash).await?;
        if let Some(row) = row
            && let Some(grant_id) = row.grant_id
            && let CodeDecision::RevokeReused =
                grant::redeem_code(&self.stored_code(&row, true), client.registered(), redeem)
        {
            self.grants
                .revoke_reused(grant_id, row.subject, client.id.as_str())
                .await?;
        }
        Ok(invalid_grant())
    }

    /// A code as the protocol sees it. `used` says whether another request has consumed it.
    fn stored_code<'a>(&'a self, row: &'a CodeRow, used: bool) -> StoredCode<'a> {
        StoredCode {
            client_id: &row.client_id,
            redirect_uri: &row.redirect_uri,
            redirect_uri_sent: row.redirect_uri_sent,
            code_challenge: row.code_challenge.as_deref(),
            dpop_jkt: row.dpop_jkt.as_deref(),
            scope: &row.scope,
            audiences: &row.audiences,
            default_audiences: self.issuer.audiences(),
            expires_in: row.expires_at.left(self.clock.now(), MAX_CODE_LIFETIME),
            used,
        }
    }
}

/// Inserts a code for the client with this id in events. A consent that has changed since it was read counts if it still covers
/// what it has to. Returns whether the code was inserted.
async fn insert_code(
    tx: &mut Tx,
    hash: &TokenHash,
    row: &CodeRow,
    client: Uuid,
    mut consent: Option<CodeConsent>,
) -> Result<bool, DbError> {
    for _ in 0..MAX_CONSENTS_READ {
        let stored = consent.as_ref().map(|consent| &consent.stored);
        let texts = stored.map(|stored| (stored.scope.to_string(), stored.audiences_text()));
        let conditions = CodeConditions {
            client,
            consent: texts
                .as_ref()
                .map(|(scope, audiences)| (scope.as_str(), audiences.as_str())),
        };
        if grants::insert_code(tx, hash, row, conditions).await? {
            return Ok(true);
        }
        let Some(read) = &mut consent else {
            return Ok(false);
        };
        match consents::find(tx, row.subject, &row.client_id).await? {
            Some(stored)
                if stored != read.stored && stored.covers(&read.needed.scope, &read.needed.audiences) =>
            {
                read.stored = stored;
            }
            _ => return Ok(false),
        }
    }
    Ok(false)
}
