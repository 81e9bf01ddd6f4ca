//! The dry run of one push: its steps up to the first that would write.

use super::{Attempt, Job, PushError};
use crate::remote::{Features, Kind, Remote};

/// The first thing that a push would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// `create`, `adopt`, `change`, `deactivate` or `delete`.
    pub(crate) action: &'static str,
    /// The id at the target, of a resource that is there.
    pub(crate) remote_id: Option<String>,
    /// The attributes that would change.
    pub(crate) attributes: Vec<String>,
}

impl Job {
    /// The first thing that the push would write, if there is any. Nothing is written here or at the target, and the members of
    /// groups are left out.
    pub(crate) async fn plan(
        &self,
        remote: &Remote<'_>,
        features: Features,
    ) -> Result<Option<Planned>, PushError> {
        let mut attempt = Attempt {
            job: self,
            remote,
            features,
            remote_id: self.due.remote_id.clone(),
            remote_name: self.due.remote_name.clone(),
            pushed: self.due.pushed.clone(),
            created: false,
            adopted: false,
            written: false,
            refused_members: Vec::new(),
            refused: None,
            is_dry: true,
            planned: None,
        };
        match self.kind() {
            Kind::User => attempt.push_user().await.map(drop)?,
            Kind::Group => attempt.push_group(tokio::time::Instant::now()).await.map(drop)?,
        }
        Ok(attempt.planned)
    }
}
