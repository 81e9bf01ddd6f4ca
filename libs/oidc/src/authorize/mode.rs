//! `response_mode`: the way in which a response reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices §2.1,
//! OAuth 2.0 Form Post Response Mode, JARM §2.3).

/// A supported response mode. There is no `fragment`, because only codes are issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// `query`: the parameters are in the query of the redirect URI. This is the default for a code.
    #[default]
    Query,
    /// `form_post`: the browser posts the parameters to the redirect URI.
    FormPost,
    /// `query.jwt` and `jwt`: one signed parameter in the query (JARM §2.3.1, §2.3.4).
    QueryJwt,
    /// `form_post.jwt`: the browser posts one signed parameter (JARM §2.3.3).
    FormPostJwt,
}

impl ResponseMode {
    /// The supported values of `response_mode`.
    pub const NAMES: [&'static str; 5] = ["query", "form_post", "query.jwt", "form_post.jwt", "jwt"];

    /// The supported mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            "query.jwt" | "jwt" => Some(Self::QueryJwt),
            "form_post.jwt" => Some(Self::FormPostJwt),
            _ => None,
        }
    }

    /// True if the parameters are signed (JARM §2.1).
    pub(super) const fn is_signed(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FormPostJwt)
    }

    /// True if the browser posts the parameters.
    pub(super) const fn is_posted(self) -> bool {
        matches!(self, Self::FormPost | Self::FormPostJwt)
    }
}
