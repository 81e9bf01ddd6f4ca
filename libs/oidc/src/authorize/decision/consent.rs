//! Consent in the decision on an authorization request: whether the user is asked, and for what (OpenID Connect Core §3.1.2.4).

use super::{CheckedRequest, Decision, Session};
use crate::consent::AllowedAccess;
use crate::error::ErrorCode;
use crate::grant::GrantDetails;
use crate::redirect_uri::RedirectUri;
use crate::resource::Resource;
use crate::scope::Scope;

impl CheckedRequest<'_> {
    /// True if the decision depends on the consent that is stored for the user and the client, so that the caller has to read
    /// it.
    pub fn reads_consent(&self) -> bool {
        self.client.metadata.require_consent
    }

    /// Decides whether the client gets a code for `scope`, or the user is asked first.
    pub(super) fn decide_on_consent(&self, session: &Session<'_>, scope: Scope) -> Decision {
        let details = self.details(&scope);
        let asked = AllowedAccess {
            scope: self.consent_scope(&scope, &details),
            audiences: self.consent_audiences().to_vec(),
        };
        if !self.lacks_consent(session, &asked) {
            Decision::IssueCode(Box::new(self.code_grant(scope, details, asked)))
        } else if self.request.prompt.none {
            self.error(ErrorCode::ConsentRequired.because("the person has to allow this"))
        } else {
            Decision::AskConsent { scope: asked.scope }
        }
    }

    /// The audiences of the tokens that the user is asked for: those that a client is registered for itself. Without any it has those of
    /// the server.
    fn consent_audiences(&self) -> &[Resource] {
        match self.client.metadata.audiences.is_empty() {
            true => &[],
            false => &self.audiences,
        }
    }

    /// The scope that the user is asked for. A single claim is asked for as the scope that gives it
    /// with the fewest others: what is allowed is stored.
    fn consent_scope(&self, scope: &Scope, details: &GrantDetails) -> Scope {
        let registered = &self.client.metadata.scope;
        let claims = details.claims.of_id_token().chain(details.claims.of_userinfo());
        let of_claims = claims.filter_map(|claim| {
            let of_claims = self.server.claims;
            let scopes: Vec<_> = of_claims
                .with_claim(claim)
                .filter(|token| registered.contains(token))
                .collect();
            if scopes.iter().any(|token| scope.contains(token)) {
                return None;
            }
            let given_by = |token: &&str| of_claims.claims_of(|other| other == *token).len();
            scopes.into_iter().min_by_key(given_by)
        });
        Scope::of(scope.iter().chain(of_claims)).unwrap_or_else(|_| registered.clone())
    }

    /// True if the user has to be asked. A stored consent suffices, unless the client asks for a new one (`prompt=consent`) or
    /// may be another program than the one that the user consented to (RFC 8252 §8.6).
    fn lacks_consent(&self, session: &Session<'_>, asked: &AllowedAccess) -> bool {
        let consent = session.consent;
        // The page shows all audiences of the client, and the consent is stored for them. An answer to a page that showed less is
        // no answer to this question, whatever was allowed before.
        let shown = &self.client.metadata.audiences;
        if let Some(allowed) = consent.for_request {
            return !allowed.covers(&asked.scope, shown);
        }
        // Details are allowed one by one: they are about this payment and not about payments.
        let covers = |allowed: &AllowedAccess| allowed.covers(&asked.scope, &asked.audiences);
        let stored = consent.stored.is_some_and(covers) && self.request.authorization_details.is_empty();
        self.request.prompt.consent
            || (self.client.metadata.require_consent && !stored)
            || (self.may_be_impersonated() && !session.signed_in_for_request)
    }

    /// True if another program on the device of the user could pretend to be the client: a client without a secret, whose
    /// redirect URI is a loopback address or has a private scheme (RFC 8252 §8.6).
    fn may_be_impersonated(&self) -> bool {
        self.client.metadata.is_public() && RedirectUri::is_of_native_app(&self.target.redirect_uri)
    }
}
