//! The rows of the comparison.

use clap::ValueEnum;

/// The requests that one round repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    Discovery,
    Jwks,
    ClientCredentialsEs256,
    ClientCredentialsRs256,
    Refresh,
    Introspection,
    UserInfo,
    PushedRequest,
    BoundRefresh,
    FlowRs256,
    FlowEs256,
    SignIn,
    /// As [`Operation::FlowRs256`], over more connections.
    ManyFlowsRs256,
    ManyFlowsEs256,
}

impl Operation {
    pub(super) const ALL: [Self; 14] = [
        Self::Discovery,
        Self::Jwks,
        Self::ClientCredentialsEs256,
        Self::ClientCredentialsRs256,
        Self::Refresh,
        Self::Introspection,
        Self::UserInfo,
        Self::PushedRequest,
        Self::BoundRefresh,
        Self::FlowRs256,
        Self::FlowEs256,
        Self::SignIn,
        Self::ManyFlowsRs256,
        Self::ManyFlowsEs256,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Jwks => "JWKS",
            Self::ClientCredentialsEs256 => "client_credentials, ES256",
            Self::ClientCredentialsRs256 => "client_credentials, RS256",
            Self::Refresh => "refresh, rotated",
            Self::Introspection => "introspection",
            Self::UserInfo => "userinfo",
            Self::PushedRequest => "pushed authorization request",
            Self::BoundRefresh => "refresh, bound by DPoP",
            Self::FlowRs256 | Self::ManyFlowsRs256 => "code flow with a session, RS256",
            Self::FlowEs256 | Self::ManyFlowsEs256 => "code flow with a session, ES256",
            Self::SignIn => "code flow with a new sign-in, RS256",
        }
    }

    /// The figure to reach, for Vestibule on SQLite.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::FlowRs256 => "≤ 600 µs",
            Self::FlowEs256 => "≤ 350 µs",
            Self::ClientCredentialsRs256 | Self::SignIn => "",
            Self::ManyFlowsRs256 => "",
            Self::ManyFlowsEs256 => "≥ 2,500, p99 ≤ 40 ms",
            _ => "¼ of the better peer",
        }
    }

    /// True for the rows of the table of throughput.
    pub(super) fn is_throughput(self) -> bool {
        matches!(self, Self::ManyFlowsRs256 | Self::ManyFlowsEs256)
    }

    pub(super) fn connections(self) -> usize {
        if self.is_throughput() { 32 } else { 8 }
    }

    /// True if a person has to be signed in first.
    pub(super) fn needs_session(self) -> bool {
        matches!(
            self,
            Self::FlowRs256
                | Self::FlowEs256
                | Self::ManyFlowsRs256
                | Self::ManyFlowsEs256
                | Self::Refresh
                | Self::Introspection
                | Self::UserInfo
                | Self::BoundRefresh
        )
    }
}
