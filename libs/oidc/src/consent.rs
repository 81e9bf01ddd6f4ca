//! Consent of a user to what a client asks for (OpenID Connect Core §3.1.2.4).

use crate::resource::Resource;
use crate::scope::Scope;

/// Access that a user allows to a client: a scope, at services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedAccess {
    /// The scope.
    pub scope: Scope,
    /// The audiences that the client was registered for. No audiences are those of the server, which a client without any has.
    pub audiences: Vec<Resource>,
}

impl AllowedAccess {
    /// Parses the two parts, each separated by spaces. `None` if one of them is invalid.
    pub fn parse(scope: &str, audiences: &str) -> Option<Self> {
        let audiences = audiences.split_ascii_whitespace().map(Resource::parse);
        Some(Self {
            scope: scope.parse().ok()?,
            audiences: audiences.collect::<Result<_, _>>().ok()?,
        })
    }

    /// Its audiences, separated by spaces, as [`Self::parse`] reads them.
    pub fn audiences_text(&self) -> String {
        let audiences: Vec<&str> = self.audiences.iter().map(Resource::as_str).collect();
        audiences.join(" ")
    }

    /// True if it is for all of these audiences. No audiences are those of the server, which access at others is not for.
    pub fn is_for(&self, audiences: &[Resource]) -> bool {
        match audiences {
            [] => self.audiences.is_empty(),
            _ => audiences
                .iter()
                .all(|audience| audience.find_in(&self.audiences).is_some()),
        }
    }

    /// True if it has this scope at all of these audiences.
    pub fn covers(&self, scope: &Scope, audiences: &[Resource]) -> bool {
        self.scope.covers(scope) && self.is_for(audiences)
    }
}

/// The consent of a user to a client, as far as the decision on an authorization request depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenConsent<'a> {
    /// The access that is stored for the user and the client. Only clients of other parties need one
    /// ([`crate::client::ClientMetadata::require_consent`]).
    pub stored: Option<&'a AllowedAccess>,
    /// The access that the consent page showed and the user allowed for this request. It alone decides, if it is there: a page that
    /// showed less is shown again.
    pub for_request: Option<&'a AllowedAccess>,
}
