//! The options that stand for the subject identifiers of a client (OpenID Connect Registration §2).

use oidc::client::{ClientMetadata, SubjectType, WebUri};

/// The options about subject identifiers. What is not given is left as it is.
#[derive(Debug, clap::Args)]
pub(super) struct SubjectArgs {
    /// The identifiers by which it knows people: public (the ids of users) or pairwise (others for every sector) [default: public]
    #[arg(long, value_name = "TYPE")]
    subject_type: Option<SubjectType>,
    /// https URL of a JSON array that lists all its redirect URIs; its host is the sector
    #[arg(long, value_name = "URL")]
    sector_identifier_uri: Option<WebUri>,
}

impl SubjectArgs {
    /// True if an option was given.
    pub(super) fn is_given(&self) -> bool {
        self.subject_type.is_some() || self.sector_identifier_uri.is_some()
    }

    /// Writes the given options into `metadata`.
    pub(super) fn apply(&self, metadata: &mut ClientMetadata) {
        if let Some(subject_type) = self.subject_type {
            metadata.subject_type = subject_type;
        }
        if let Some(uri) = &self.sector_identifier_uri {
            metadata.sector_identifier_uri = Some(uri.clone());
        }
    }
}
